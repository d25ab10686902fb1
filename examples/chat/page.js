const said = document.querySelector('#said');
const text = document.querySelector('#text');
let answer;

/** What anybody said is text, never markup. */
function show(kind, words) {
  const article = document.createElement('article');
  article.className = kind;
  article.textContent = words;
  said.append(article);
  article.scrollIntoView();
  return article;
}

function showMessage({ role, content, toolName, errorMessage }) {
  const words = typeof content === 'string' ? content : (content ?? []).map((block) => block.text ?? '').join('');
  if (role === 'user' || (role === 'assistant' && words !== '')) show(role, words);
  if (role === 'toolResult') show('tool', `${toolName}: ${words}`);
  if (errorMessage) show('tool', errorMessage);
}

new EventSource('/events').addEventListener('message', ({ data }) => {
  const event = JSON.parse(data);
  switch (event.type) {
    case 'history':
      said.replaceChildren();
      event.messages.forEach(showMessage);
      said.dataset.ready = 'yes';
      return;
    case 'agent_start':
    case 'agent_settled':
      said.setAttribute('aria-busy', String(event.type === 'agent_start'));
      return;
    case 'message_update':
      if (event.fragment.type === 'text_start') answer = show('assistant', '');
      if (event.fragment.type === 'text_delta') answer.textContent += event.fragment.delta;
      return;
    case 'message_end':
      // what the model says has been shown as it came
      if (event.message.role !== 'assistant') showMessage(event.message);
      else if (event.message.errorMessage) show('tool', event.message.errorMessage);
      return;
    case 'error':
      show('tool', event.message);
  }
});

const post = (path, body = {}) => fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

document.querySelector('#say').addEventListener('submit', (event) => {
  event.preventDefault();
  void post('/prompt', { text: text.value });
  text.value = '';
});
document.querySelector('#stop').addEventListener('click', () => void post('/abort'));
text.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
