import type { HostPorts } from './ports.ts';

/** Ports where no host is and none is needed: whatever is asked of it throws. @param why what is said then */
export function portsOfNobody(why: string): HostPorts {
  const nobody = (): never => {
    throw new Error(why);
  };
  return {
    ui: { notify: nobody, select: nobody, confirm: nobody, input: nobody, editor: nobody, set: nobody, editorText: nobody },
    session: { query: nobody, appendEntry: nobody, sendMessage: nobody, sendUserMessage: nobody, setName: nobody, setLabel: nobody, control: nobody },
    agent: {
      query: nobody,
      setActiveTools: nobody,
      toolsChanged: nobody,
      providersChanged: nobody,
      setModel: nobody,
      setThinkingLevel: nobody,
      complete: nobody,
      callTool: nobody,
      spawn: nobody,
      emit: nobody,
      flag: nobody,
    },
  };
}
