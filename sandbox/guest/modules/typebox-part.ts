type Register = (name: string, factory: () => unknown) => void;
type RequireCore = (name: string) => unknown;

/** Registers typebox, pi-ai and dash-agent: one instance of typebox under all its names. */
export default function registerTypebox(register: Register, requireCore: RequireCore): void {
  const typebox = () => {
    const module: object = require('typebox');
    return module;
  };
  const piAi = () => {
    const module: typeof import('./pi-ai.ts') = require('./pi-ai.ts');
    return module.createPiAi(requireCore);
  };
  register('typebox', typebox);
  register('typebox/type', typebox);
  register('typebox/value', () => require('typebox/value') as unknown);
  register('typebox/error', () => require('typebox/error') as unknown);
  register('typebox/guard', () => require('typebox/guard') as unknown);
  register('typebox/format', () => require('typebox/format') as unknown);
  // The name of the compiler before typebox 1.
  register('typebox/compiler', () => ({ TypeCompiler: { Compile: Reflect.get(requireCore('typebox/compile') as object, 'Compile') as unknown } }));
  register('typebox/compile', () => {
    const module: object = require('./typebox-compile.ts');
    return module;
  });
  for (const name of ['pi-ai', 'pi-ai/compat', 'pi-ai/oauth', 'pi-ai/providers/all']) register(name, name === 'pi-ai' ? piAi : () => requireCore('pi-ai'));
  register('dash-agent', () => {
    const module: typeof import('./dash-agent.ts') = require('./dash-agent.ts');
    return module.createDashAgent();
  });
  register('dash-agent/sdk', () => requireCore('dash-agent'));
}
