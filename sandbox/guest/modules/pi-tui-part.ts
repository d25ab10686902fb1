type Register = (name: string, factory: () => unknown) => void;
type RequireCore = (name: string) => unknown;

/** Registers pi-tui as it is, its terminal resting on builtins that refuse, and pi-coding-agent's helpers. */
export default function registerPiTui(register: Register, requireCore: RequireCore): void {
  register('pi-tui', () => {
    const module: object = require('@earendil-works/pi-tui');
    return module;
  });
  register('dash:keys', () => {
    const module: object = require('./keys.ts');
    return module;
  });
  register('pi-coding-agent', () => {
    const module: typeof import('./pi-coding-agent.ts') = require('./pi-coding-agent.ts');
    return module.createPiCodingAgent(requireCore);
  });
}
