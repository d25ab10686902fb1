import type { HostPorts } from '../sandbox/index.ts';

function nobody(): never {
  throw new Error('the benchmark has no host');
}

/** Ports of nobody: what is measured asks the host for nothing. */
export const NO_HOST: HostPorts = {
  ui: { notify: nobody, select: nobody, confirm: nobody, input: nobody, editor: nobody, set: nobody, editorText: nobody },
  session: { query: nobody, appendEntry: nobody, sendMessage: nobody, sendUserMessage: nobody, setName: nobody, setLabel: nobody, control: nobody },
  agent: {
    query: nobody,
    setActiveTools: nobody,
    setModel: nobody,
    setThinkingLevel: nobody,
    complete: nobody,
    callTool: nobody,
    spawn: nobody,
    emit: nobody,
    flag: nobody,
  },
};
