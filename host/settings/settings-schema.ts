import { type Static, type TProperties, Type } from '@sinclair/typebox';

/** What holds where nothing is set. Code reads these, and so does the table in docs/settings.md. */
export const DEFAULTS = {
  retry: { attempts: 3, baseDelayMs: 2000 },
  compaction: { enabled: true, reserveTokens: 16_384, keepRecentTokens: 20_000 },
  images: { block: false, resize: true },
  terminal: { progress: false },
  markdown: { codeBlockIndent: '  ' },
  skills: { budget: 4000 },
  shell: { profile: 'normal' },
  queueMode: 'one-at-a-time',
  cacheWarming: 'streaming',
} as const;

/** A group of keys; one that is unknown is named, and costs nothing else. */
function group<Properties extends TProperties>(properties: Properties) {
  return Type.Optional(Type.Object(properties));
}

/** A group in which a misspelt key could be the one that forbids: it is an error. */
function strictGroup<Properties extends TProperties>(properties: Properties) {
  return Type.Optional(Type.Object(properties, { additionalProperties: false }));
}

const QueueMode = Type.Union([Type.Literal('one-at-a-time'), Type.Literal('all')]);
const Level = Type.Union([Type.Literal('minimal'), Type.Literal('low'), Type.Literal('medium'), Type.Literal('high'), Type.Literal('xhigh')]);
const Rules = (what: string) => Type.Optional(Type.Array(Type.String(), { description: `${what}, e.g. \`exec:git push\` or \`fs:write:./docs/**\`` }));
const Budget = (level: string, tokens: number) =>
  Type.Optional(Type.Integer({ minimum: 1, description: `most tokens that \`${level}\` thinks, where a model counts them`, default: tokens }));
/** Read by `registry/`, with rules of its own. */
const elsewhere = (description: string) => Type.Optional(Type.Unknown({ description }));

/** What the user can set in `settings.json`; of a project's, some keys count. */
export const Settings = Type.Object({
  model: Type.Optional(Type.String({ minLength: 1, description: 'default model: `provider/id`, or `auto`' })),
  thinking: Type.Optional(Type.Union(Level.anyOf, { description: 'how much a model thinks that can; without it not at all' })),
  enabledModels: Type.Optional(Type.Array(Type.String(), { description: 'patterns of the models that are cycled through, as `--models` takes them' })),
  theme: Type.Optional(
    Type.String({ minLength: 1, description: "name of the theme; without it the terminal's background decides between `dark` and `light`" }),
  ),
  thinkingBudgets: group({ minimal: Budget('minimal', 1024), low: Budget('low', 2048), medium: Budget('medium', 8192), high: Budget('high', 16_384) }),
  maxCost: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'dollars that a session may cost; no request begins once it has' })),
  tools: Type.Optional(Type.Array(Type.String(), { description: 'names of the tools that are on; without it the usual ones and those of packages' })),
  images: group({
    block: Type.Optional(Type.Boolean({ description: 'keeps every image from models', default: DEFAULTS.images.block })),
    resize: Type.Optional(
      Type.Boolean({ description: 'makes an image smaller that no provider would take; otherwise it is left out', default: DEFAULTS.images.resize }),
    ),
  }),
  permissions: strictGroup({ allow: Rules("what the host's own tools do unasked"), ask: Rules('what is asked'), deny: Rules('what is never done') }),
  approve: Type.Optional(Type.Union([Type.Literal('ask'), Type.Literal('edits')], { description: 'approval on a terminal; `--approve` goes before it' })),
  shell: strictGroup({
    profile: Type.Optional(
      Type.Union([Type.Literal('normal'), Type.Literal('strict')], {
        description:
          'how commands of the agent are confined; `strict` seals `package.json`, `AGENTS.md`, workflows and their like too, so a checkout of them fails',
        default: DEFAULTS.shell.profile,
      }),
    ),
  }),
  retry: group({
    attempts: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, description: 'how often a request that failed is made again', default: DEFAULTS.retry.attempts }),
    ),
    baseDelayMs: Type.Optional(
      Type.Integer({ minimum: 0, description: 'milliseconds before the first of them, twice as long each time', default: DEFAULTS.retry.baseDelayMs }),
    ),
  }),
  compaction: group({
    enabled: Type.Optional(
      Type.Boolean({ description: 'whether a context that becomes too long is summed up by itself', default: DEFAULTS.compaction.enabled }),
    ),
    reserveTokens: Type.Optional(
      Type.Integer({ minimum: 1, description: 'tokens of the window that are kept free', default: DEFAULTS.compaction.reserveTokens }),
    ),
    keepRecentTokens: Type.Optional(
      Type.Integer({ minimum: 1, description: 'tokens of the newest messages that stay as they are', default: DEFAULTS.compaction.keepRecentTokens }),
    ),
  }),
  cacheWarming: Type.Optional(
    Type.Union([Type.Literal('off'), Type.Literal('streaming'), Type.Literal('idle')], {
      description: 'whether prompt caches are kept from being forgotten, where that saves money: while a run goes on, or between runs too',
      default: DEFAULTS.cacheWarming,
    }),
  ),
  terminal: group({
    progress: Type.Optional(
      Type.Boolean({ description: 'shows in the tab of the terminal that the agent works (OSC 9;4)', default: DEFAULTS.terminal.progress }),
    ),
  }),
  markdown: group({
    codeBlockIndent: Type.Optional(
      Type.String({ pattern: '^ {0,8}$', description: 'spaces before each line of a code block', default: DEFAULTS.markdown.codeBlockIndent }),
    ),
  }),
  skills: group({
    budget: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100_000,
        description: 'most tokens that the list of skills takes of the system prompt; above it the fitting ones are listed',
        default: DEFAULTS.skills.budget,
      }),
    ),
    pinned: Type.Optional(Type.Array(Type.String(), { description: 'names of skills that are listed whatever the budget is' })),
    prefer: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'the origin that keeps a name several have: `user`, `project`, or the name of a package' }),
    ),
  }),
  steeringMode: Type.Optional(
    Type.Union(QueueMode.anyOf, { description: 'how many of the messages that wait steer a run at once', default: DEFAULTS.queueMode }),
  ),
  followUpMode: Type.Optional(
    Type.Union(QueueMode.anyOf, { description: 'how many of the messages that wait follow a run at once', default: DEFAULTS.queueMode }),
  ),
  profile: elsewhere('how much installs ask: `dash config profile`'),
  minimumReleaseAge: elsewhere('how long a release must have been public before it is installed'),
  minimumReleaseAgeExclude: elsewhere('which packages need not'),
  packageSettings: elsewhere('values of the settings of packages, by package: `dash config set`'),
  packages: elsewhere('what of installed packages is on: `dash enable`, `dash disable`, `dash config`'),
});
export type Settings = Static<typeof Settings>;

/**
 * What a trusted project may set: how the agent works there, and nothing about who is asked, who answers, where anything
 * goes or what may run. Every other key is left out, and named.
 */
export const PROJECT_KEYS: readonly (keyof Settings)[] = [
  'thinking',
  'thinkingBudgets',
  'compaction',
  'skills',
  'images',
  'markdown',
  'steeringMode',
  'followUpMode',
];
