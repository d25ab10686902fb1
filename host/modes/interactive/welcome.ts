import type { Host } from '../../host.ts';

/** What an empty session begins with; without a model, how to get one. */
export function welcome({ models, conversation }: Pick<Host, 'models' | 'conversation'>): string | undefined {
  if (models.length === 0) {
    return [
      'There is no model yet: no provider has a key.',
      '',
      '- type `/login`: a key is kept for you alone, and counts at once; or',
      '- set one of ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY … in the environment and start again; or',
      '- describe an endpoint of your own (Ollama, vLLM, llama.cpp) in `models.json`: `docs/agent.md` says how.',
      '',
      'Meanwhile `!` runs commands, and `/hotkeys` shows the keys.',
    ].join('\n');
  }
  if (conversation.messages.length > 0) return undefined;
  return '`/` commands · `@` files · `!` shell · `/hotkeys` keys';
}
