/** One package of somebody else, what it is granted and what is tried. */
export interface Trial {
  readonly spec: string;
  readonly grants?: readonly string[];
  /** Files of the workspace. */
  readonly files?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly attempts: readonly Attempt[];
  /** What a reader has to know besides. */
  readonly remark?: string;
}

/** What is done, and what must come of it: an answer that fits, or the code of what the sandbox cannot do. */
export type Attempt = (
  | { readonly kind: 'call'; readonly tool: string; readonly args?: object }
  | { readonly kind: 'inspect' }
  | { readonly kind: 'say'; readonly prompt: string; readonly model?: readonly object[] }
) & { readonly expect: RegExp | `UNSUPPORTED_${string}` };

const toolCall = (name: string, args: object): object => ({ toolCalls: [{ name, arguments: args }] });
const QUESTION = {
  question: 'Which colour?',
  header: 'colour',
  options: [
    { label: 'red', description: 'like a rose' },
    { label: 'blue', description: 'like the sea' },
  ],
};

/** The ten of the README, chosen by how many people use them and how much they ask for. */
export function tenTrials(searchUrl: string): readonly Trial[] {
  return [
    {
      spec: 'pi-subagents@0.67.0',
      grants: ['session:read', 'fs:read'],
      attempts: [
        { kind: 'call', tool: 'subagent', args: { action: 'list' }, expect: /Executable agents:/ },
        { kind: 'say', prompt: 'hello', expect: /wants to offer the model the tool [^,]*/ },
      ],
      remark: 'lists its agents; a tool that it adds after loading needs `tools:dynamic`, and agents are programs, which need `exec`',
    },
    {
      spec: 'pi-prompt-template-model@0.12.2',
      grants: ['ui:notify', 'session:read', 'fs:read'],
      files: { '.pi/prompts/hi.md': '---\ndescription: greets\nmodel: scripted/scripted\n---\nSay hi to $1\n' },
      attempts: [
        { kind: 'say', prompt: '/prompt-tool', expect: /run-prompt tool is disabled/ },
        { kind: 'say', prompt: '/chain-prompts hi', expect: 'UNSUPPORTED_API' },
      ],
      remark: 'its own commands answer; it makes one command more of each prompt it finds, and commands after loading are refused',
    },
    {
      spec: '@aliou/pi-processes@0.12.0',
      grants: ['ui:notify', 'session:read'],
      attempts: [
        { kind: 'call', tool: 'process', args: { action: 'list' }, expect: /No matching background processes/ },
        { kind: 'say', prompt: '/ps', expect: /No managed processes/ },
      ],
      remark: 'starting a process needs `exec`',
    },
    {
      spec: '@juicesharp/rpiv-ask-user-question@2.11.0',
      grants: ['ui:prompt'],
      attempts: [
        {
          kind: 'say',
          prompt: 'ask me',
          model: [toolCall('ask_user_question', { questions: [QUESTION] }), {}],
          expect: /User has answered your questions: "Which colour\?"="red"/,
        },
      ],
    },
    {
      spec: 'pi-simplify@0.2.2',
      grants: ['session:write', 'exec:git'],
      attempts: [
        { kind: 'say', prompt: '/simplify greet.ts', expect: /Review the following recently changed files/ },
        { kind: 'say', prompt: '/simplify', expect: /No changed files found/ },
      ],
      remark: 'it finds changed files by running `git`, confined',
    },
    {
      spec: 'pi-lens@3.8.73',
      grants: ['fs:read', 'fs:write:~/.pi-lens/**', 'fs:read:~/.pi-lens/**'],
      files: { 'greet.ts': 'export const greet = (name: string) => `hi ${name}`;\n' },
      attempts: [
        { kind: 'call', tool: 'lens_diagnostics', args: { mode: 'all' }, expect: /No files diagnosed yet/ },
        { kind: 'call', tool: 'module_report', args: { path: 'greet.ts' }, expect: /tree-sitter runtime failed to initialize/ },
      ],
      remark: 'its state and its commands answer; what parses code needs WebAssembly and language servers, and says that it is unavailable',
    },
    {
      spec: 'context-mode@1.0.169',
      variables: { CONTEXT_MODE_DATA_DIR: './context' },
      grants: ['env:CONTEXT_MODE_DATA_DIR', 'fs:read:./context/**', 'fs:write:./context/**'],
      attempts: [{ kind: 'call', tool: 'ctx_stats', expect: 'UNSUPPORTED_MODULE' }],
      remark: 'its 8 skills work; its extension stands on the native `better-sqlite3`, which `dash inspect` names with file and line',
    },
    {
      spec: '@juicesharp/rpiv-pi@2.11.0',
      grants: ['ui:notify', 'session:read', 'session:write', 'prompt:modify'],
      attempts: [{ kind: 'say', prompt: '/rpiv-update-agents', expect: /All agents already up-to-date/ }],
      remark: 'keeps its agents in its own data directory',
    },
    {
      spec: '@juicesharp/rpiv-todo@2.11.0',
      grants: ['ui:notify', 'session:read'],
      attempts: [
        { kind: 'call', tool: 'todo', args: { action: 'create', subject: 'milk' }, expect: /Created #1: milk \(pending\)/ },
        { kind: 'say', prompt: '/todos', expect: /No todos yet/ },
      ],
    },
    {
      spec: '@juicesharp/rpiv-web-tools@2.11.0',
      variables: { SEARXNG_URL: searchUrl },
      grants: ['env:SEARXNG_URL', `net:${new URL(searchUrl).host}`],
      attempts: [{ kind: 'call', tool: 'web_search', args: { query: 'sandboxes', provider: 'searxng' }, expect: /A result about sandboxes/ }],
      remark: 'searched with its SearXNG provider, against a server on loopback',
    },
  ];
}

/** Others that are tried each time, for what they taught. */
export const otherTrials: readonly Trial[] = [
  {
    spec: '@tmustier/pi-ralph-wiggum@0.2.3',
    grants: ['session:read', 'session:write', 'ui:notify', 'fs:read', 'fs:write:./.ralph/**'],
    attempts: [
      { kind: 'call', tool: 'ralph_start', args: { name: 'tidy', taskContent: '# tidy up' }, expect: /Started loop "tidy" \(max 50 iterations\)/ },
      { kind: 'say', prompt: '/ralph status', expect: /tidy/ },
    ],
  },
  {
    spec: 'pi-web-access@0.28.0',
    attempts: [{ kind: 'inspect', expect: /tool web_search[^]*tool fetch_content[^]*undici@/ }],
    remark: 'large, with undici inside; its tools are listed',
  },
  {
    spec: '@samfp/pi-memory@1.5.0',
    attempts: [{ kind: 'inspect', expect: /unsupported node:sqlite: it is native code that opens files itself/ }],
  },
  { spec: 'pi-mcp-adapter@2.36.0', attempts: [{ kind: 'inspect', expect: /unsupported node:worker_threads[^]*unsupported native addon @napi-rs\/keyring/ }] },
];
