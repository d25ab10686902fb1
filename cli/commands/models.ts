import { listProviders, type ModelInfo, openModels, readSettings, refusedProviders } from '../../host/index.ts';
import type { DefineCommand } from '../command.ts';
import { formatDiagnostics } from '../output/diagnostics.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';
import { openPackageModels } from '../package-models.ts';
import { portsWithoutHost } from '../ports-without-host.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('[words...]', 'only those whose names have all of these')
    .option('--all', 'those too whose provider has no credentials, with what is missing')
    .option('--refresh', 'have packages look up what their providers offer now');
  return async (invocation) => {
    const { home, env, stdout, stderr, signal } = invocation;
    const { style } = stdout;
    const { settings } = await readSettings(home);
    const port = await openModels({ reference: settings.model, dashHome: home, env });
    await using opened = await openPackageModels(
      invocation,
      port,
      portsWithoutHost((text) => stderr.write(`${oneLine(text)}\n`)),
    );
    const flags = command.opts<{ readonly all?: boolean; readonly refresh?: boolean }>();
    const notLookedUp = flags.refresh === true ? await opened.models.logins.lookUpModels({ olderThanMs: 0, signal }) : [];
    const usable = await opened.models.models();
    const diagnostics = [...opened.models.diagnostics, ...notLookedUp];
    const providers = await listProviders(home, env);
    const lacking = providers.filter(({ id }) => !usable.some(({ provider }) => provider === id));
    const needs = new Map(lacking.map(({ id, missing }) => [id, missing]));
    const words = command.args.map((word) => word.toLowerCase());
    const all = flags.all === true;
    const unusable = all ? (await Promise.all(lacking.map((provider) => provider.models()))).flat() : [];
    const models = [...usable, ...unusable]
      .filter(({ provider, id, name }) => words.every((word) => `${provider}/${id} ${name}`.toLowerCase().includes(word)))
      .map((model) => ({ ...model, ...lackOf(needs.get(model.provider)) }));
    const nothing = usable.length === 0 && !all ? 'no model has credentials; `dash login <provider>` keeps a key\n' : 'no model has such a name\n';
    const begun = lacking.filter((provider) => provider.begun);
    const notes = begun.map(
      ({ id, missing }) => `${oneLine(id)} needs ${missing.length === 0 ? `\`dash login ${oneLine(id)}\`` : missing.map(oneLine).join(' and ')}\n`,
    );
    const others =
      all || lacking.length === begun.length ? [] : [style.dim(`${lacking.length - begun.length} more providers have no credentials: \`dash models --all\`\n`)];
    const refused = all ? refusedProviders().map(({ id, reason }) => `${id} is not used: ${reason}\n`) : [];
    const text = models.length === 0 ? nothing : formatTable(models.map((model) => row(model, style)));
    return {
      kind: 'document',
      document: {
        models,
        providers: lacking.map(({ id, missing, begun: isBegun }) => ({ id, missing, begun: isBegun })),
        refused: refusedProviders(),
        diagnostics,
      },
      text: text + formatDiagnostics(diagnostics, style) + notes.concat(others, refused).join(''),
    };
  };
};

function lackOf(missing: readonly string[] | undefined): { readonly missing?: readonly string[] } {
  return missing === undefined ? {} : { missing };
}

function row(
  { provider, id, contextWindow, reasoning, input, cost, missing, package: owner }: ModelInfo & { readonly missing?: readonly string[] },
  style: Style,
): string[] {
  return [
    style.strong(oneLine(`${provider}/${id}`)),
    `${Math.round(contextWindow / 1000)}k tokens`,
    [...(reasoning ? ['thinks'] : []), ...(input.includes('image') ? ['images'] : [])].join(', '),
    style.dim(`$${cost.input} in, $${cost.output} out a million`),
    ...(missing === undefined ? [] : [`needs ${missing.join(' and ')}`]),
    ...(owner === undefined ? [] : [`of ${oneLine(owner)}`]),
  ];
}
