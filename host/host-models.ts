import type { Diagnostic } from '../format/index.ts';
import type { CallContext } from '../sandbox/index.ts';
import type { Configuration } from './configuration.ts';
import type { Conversation } from './conversation/conversation.ts';
import type { HostOptions } from './host-options.ts';
import { createModelList, type ModelList } from './model/model-list.ts';
import { openModels } from './model/choose-model.ts';
import { withCostCap } from './model/cost-cap.ts';
import type { PackageLogins } from './model/package-logins.ts';
import { withPackageProviders } from './model/package-providers.ts';
import type { ModelPort } from './model/port.ts';
import { cycle, type ModelScope, type ScopedModel, scopeModels } from './model/scope.ts';
import { withRequestSettings } from './settings/request-settings.ts';
import type { RunningPackages } from './packages/running-packages.ts';
import type { Session } from './session/session.ts';
import { sessionStats } from './session/session-stats.ts';
import { startModel } from './session/start-session.ts';
import type { WorkPlace } from './work-place.ts';

export interface HostModelsOptions {
  /** The models of the host itself. */
  readonly own: ModelPort;
  readonly configuration: Configuration;
  readonly packages: RunningPackages;
  readonly conversation: () => Conversation;
  readonly callContext: () => CallContext;
}

/** The models of a host: its own and those of packages, under the settings, the cap on costs and the scope of the user. */
export interface HostModels {
  readonly port: ModelPort;
  readonly list: ModelList;
  readonly scope: ModelScope;
  readonly logins: PackageLogins;
  readonly diagnostics: readonly Diagnostic[];
  /** Looks up what there is, and has the conversation begin with the one that is wanted. @throws {DashError} NO_MODEL when a model was named that there is not */
  begin(session: Session): Promise<void>;
  /** Goes on with the next one in scope, or of all, or with the one before. `undefined`: there is no other. */
  cycle(by: 1 | -1): ScopedModel | undefined;
}

/** Finds the models of the host itself, with the keys there are. */
export async function openOwnModels(options: HostOptions, { dashHome, env }: WorkPlace): Promise<ModelPort> {
  return options.models ?? (await openModels({ reference: wantedModel(options), dashHome, env }));
}

/** Puts the models of packages beside the host's own, and everything around them that the user set. */
export function createHostModels(options: HostOptions, { dashHome, env }: WorkPlace, around: HostModelsOptions): HostModels {
  const { own, configuration, packages, conversation, callContext } = around;
  const provided = withPackageProviders(own, {
    dashHome,
    sources: () => packages.extensions.flatMap(({ pkg, sandboxed }) => (sandboxed === undefined ? [] : [{ package: pkg.name, sandboxed }])),
    endpoints: async () => (await import('./model/endpoints.ts')).openEndpoints(env, dashHome),
    origin: () => conversation().origin,
    context: callContext,
  });
  const port = withCostCap(
    withRequestSettings(provided, () => configuration.settings),
    {
      most: options.maxCost ?? configuration.settings.maxCost,
      spent: () => sessionStats(conversation().session.tree.entries).cost,
    },
  );
  const list = createModelList(port);
  // while packages load: their models come after it, those of the host are there by then
  void own.models().catch(() => undefined);
  const scope = (): ModelScope => scopeModels(options.scope ?? configuration.settings.enabledModels ?? [], list.all);
  return {
    port,
    list,
    logins: provided.logins,
    get scope() {
      return scope();
    },
    get diagnostics() {
      return [...provided.diagnostics, ...scope().unmatched.map(noSuchModel)];
    },
    async begin(session) {
      const all = await list.refresh();
      const wanted = wantedModel(options);
      const { models } = scope();
      const [first] = wanted === undefined && session.settings().model === null ? models : [];
      const isInScope = models.some(({ model }) => `${model.provider}/${model.id}` === configuration.settings.model);
      if (first === undefined || isInScope) conversation().useModel(startModel(all, wanted, session.settings().model, configuration.settings.model));
      else conversation().useModel(first.model, options.thinking === undefined ? first.thinkingLevel : undefined);
    },
    cycle(by) {
      const scoped = scope().models;
      const next = cycle(scoped.length > 0 ? scoped : list.all.map((model) => ({ model })), conversation().model, by);
      if (next === undefined) return undefined;
      conversation().setModel(next.model, 'cycle');
      if (next.thinkingLevel !== undefined) conversation().setThinking(next.thinkingLevel === 'off' ? undefined : next.thinkingLevel);
      return next;
    },
  };
}

function wantedModel({ model }: HostOptions): string | undefined {
  return typeof model === 'object' ? `${model.provider}/${model.id}` : model;
}

function noSuchModel(pattern: string): Diagnostic {
  return { severity: 'warning', code: 'NO_SUCH_MODEL', message: `no model matches \`${pattern}\`` };
}
