import { DashError } from '../../format/index.ts';
import { APPROVAL_MODES, createEventStore, createHost, knownProviders, openModels, readSettings, runAcp, THINKING_LEVELS } from '../../host/index.ts';
import type { CommandResult, DefineCommand, Invocation } from '../command.ts';
import { dollars, oneOf } from '../host-flags.ts';
import { openPackages } from '../open-packages.ts';
import { version } from '../package-root.ts';
import { bundledSkills } from '../read-skills.ts';
import { logIn } from './login.ts';

interface AcpFlags {
  readonly model?: string;
  readonly thinking?: string;
  readonly maxCost?: string;
  readonly tools?: string;
  readonly approve?: string;
  readonly appendSystemPrompt?: string;
  readonly extensions?: boolean;
  readonly login?: boolean;
}

export const define: DefineCommand = (command) => {
  command
    .option('--approve <mode>', `the most that an editor may let run without a question: ${APPROVAL_MODES.join(', ')}; ask unless given`)
    .option('--model <model>', '`provider/id`, `auto`, `auto:provider/id,provider/id`, or `scripted:FILE`; the editor may choose another one')
    .option('--thinking <level>', THINKING_LEVELS.join(', '))
    .option('--max-cost <dollars>', 'no request begins once a session has cost so much')
    .option('--tools <names>', 'only these tools, separated by commas')
    .option('--append-system-prompt <text>', 'after the usual one')
    .option('--no-extensions', 'load no packages')
    .option('--login', 'keep the key of a model provider instead; editors start it on a terminal');
  return async (invocation) => {
    const flags = command.opts<AcpFlags>();
    if (flags.login === true) return logInSomewhere(invocation);
    const { home, env, signal, globals } = invocation;
    const ceiling = oneOf('--approve', flags.approve, APPROVAL_MODES) ?? 'ask';
    const thinking = oneOf('--thinking', flags.thinking, THINKING_LEVELS);
    const maxCost = dollars(flags.maxCost);
    const tools = flags.tools?.split(',').filter((name) => name !== '');
    await runAcp({
      input: process.stdin,
      output: process.stdout,
      dashHome: home,
      version: version(),
      ceiling,
      hasUI: globals.input,
      signal,
      // asked for at every session: the key of a provider may have come since
      openModels: async () => openModels({ reference: flags.model ?? (await readSettings(home)).settings.model, dashHome: home, env }),
      async openHost({ cwd, session, models, approval, openFiles }) {
        const eventStore = createEventStore(home, (error) => {
          invocation.stderr.write(`warning: what happens is not counted: ${error instanceof Error ? error.message : String(error)}\n`);
        });
        const around = { ...invocation, cwd };
        const packages = await openPackages(around, { none: flags.extensions === false, onRecord: (record) => eventStore.decided(record) });
        // what was opened for a host that does not come to be is closed again: the process goes on
        const close = async (): Promise<void> => {
          await packages[Symbol.asyncDispose]();
          await eventStore[Symbol.asyncDispose]();
        };
        const host = await createHost({
          cwd,
          dashHome: home,
          env,
          models,
          model: flags.model,
          thinking,
          maxCost,
          tools,
          approval,
          openFiles,
          session,
          appendSystemPrompt: flags.appendSystemPrompt,
          trustProject: globals.trustProject,
          bundledSkills: bundledSkills(),
          readPackages: packages.read,
          openPackage: packages.open,
          audit: packages.audit,
          eventStore,
          auditHead: packages.auditHead,
        }).catch(async (error: unknown) => {
          await close();
          throw error;
        });
        return {
          host,
          async [Symbol.asyncDispose]() {
            await host[Symbol.asyncDispose]();
            await close();
          },
        };
      },
    });
    return { kind: 'streamed', exitCode: 0 };
  };
};

/** An editor cannot say for which provider: the person is asked. */
async function logInSomewhere(invocation: Invocation): Promise<CommandResult> {
  if (!invocation.canAsk) throw new DashError('INPUT_REQUIRED', '`--login` asks on a terminal', { hint: 'name the provider: `dash login <provider>`' });
  const { autocomplete, isCancel } = await import('@clack/prompts');
  const provider = await autocomplete({
    message: 'whose models?',
    options: (await knownProviders(invocation.home)).map((value) => ({ value })),
    output: process.stderr,
  });
  if (isCancel(provider)) throw new DashError('INTERRUPTED', 'nothing was kept');
  return logIn(provider, invocation);
}
