import type { HostPorts, QuestionPort, SessionQuery } from '../sandbox/index.ts';

/**
 * What a package finds when no agent runs: an empty session, no model, nobody to ask. What it wanted to
 * show or keep is said through `notice`, so that nothing disappears without a word.
 */
export function portsWithoutHost(notice: (text: string) => void, questions?: QuestionPort): HostPorts {
  const notKept = (what: string) => notice(`${what}: there is no session to keep it in`);
  return {
    ...(questions !== undefined && { questions }),
    ui: {
      notify: (message, level) => notice(`${level}: ${message}`),
      select: () => Promise.resolve(undefined),
      confirm: () => Promise.resolve(false),
      input: () => Promise.resolve(undefined),
      editor: () => Promise.resolve(undefined),
      set: (surface) => notice(`${surface.kind} was set: there is no screen to show it on`),
      editorText: () => '',
    },
    session: {
      query: answerEmpty,
      appendEntry: (_, customType) => notKept(`an entry \`${customType}\``),
      sendMessage: (_, { customType }) => notKept(`a message \`${customType}\``),
      sendUserMessage: () => notKept('a message to the model'),
      setName: () => notKept('a name of the session'),
      setLabel: () => notKept('a label'),
      control: (_, { kind }) => Promise.reject(new Error(`\`${kind}\` needs a running agent`)),
    },
    agent: {
      query: (query) => {
        switch (query) {
          case 'isIdle':
            return true;
          case 'hasPendingMessages':
          case 'isProjectTrusted':
            return false;
          case 'models':
          case 'scopedModels':
          case 'activeTools':
          case 'allTools':
          case 'commands':
            return [];
          case 'thinkingLevel':
            return 'off';
          case 'systemPrompt':
            return '';
          case 'systemPromptOptions':
            return { selectedTools: [], toolSnippets: {}, toolGuidelines: {}, promptGuidelines: [], appendSystemPrompt: '', contextFiles: [] };
          case 'model':
          case 'contextUsage':
            return undefined;
        }
      },
      setActiveTools: () => notKept('a choice of tools'),
      toolsChanged: (_, refused) => {
        if (refused !== undefined) notice(`warning: ${refused.message}`);
      },
      // nobody asks a model here
      providersChanged: () => undefined,
      setModel: () => Promise.resolve(false),
      setThinkingLevel: () => notKept('a thinking level'),
      complete: () => Promise.reject(new Error('a completion needs a running agent')),
      callTool: () => Promise.reject(new Error('a tool of another package needs a running agent')),
      spawn: () => Promise.reject(new Error('an agent needs a running one that starts it')),
      // what nobody hears is nobody's loss: an agent without other packages is no different
      emit: () => undefined,
      flag: () => undefined,
    },
  };
}

function answerEmpty(query: SessionQuery): unknown {
  switch (query.kind) {
    case 'branch':
    case 'entries':
    case 'children':
    case 'tree':
      return [];
    case 'projection':
      return { thinkingLevel: 'off', model: null, entries: [] };
    case 'persisted':
      return false;
    case 'sessionId':
      return '00000000-0000-0000-0000-000000000000';
    case 'entry':
    case 'leafId':
    case 'leafEntry':
    case 'label':
    case 'header':
    case 'sessionFile':
    case 'sessionDir':
    case 'sessionName':
      return undefined;
  }
}
