/** What a file of `test/attacks` is about, what stands beside it as a control arm, and what it does not show. */
export interface AttackFile {
  readonly title: string;
  readonly control: string;
  readonly notShown: string;
}

const alone = 'a fact that is looked at: nothing naive stands beside it';

/** In the order of the table; `programs` and `exhaustion` are the programs of `dash sandbox attack`, which have a table of their own. */
export const ATTACK_FILES: Readonly<Record<string, AttackFile>> = {
  escapes: {
    title: 'walks over all that can be reached, poisoned prototypes, frames, texts of errors',
    control: 'node:vm, isolated-vm as its readme is often read',
    notShown: 'V8 itself',
  },
  forging: { title: 'forged, replayed and foreign messages, registrations that drift', control: 'a serialiser that is poisoned, a naive reader', notShown: '' },
  'protocol-fuzz': {
    title: 'ten thousand mutated messages of a process that was taken over',
    control: 'the seed is told, and each message must be answered or end its session',
    notShown: 'more messages: `DASH_FUZZ_MESSAGES`',
  },
  files: { title: 'paths, links, races of renaming against reads and writes', control: '`node:fs`, each', notShown: 'systems without `/proc`' },
  'rename-race': { title: 'a directory that is filled between look and rename', control: 'the directory renamed by itself', notShown: '' },
  'linked-package': {
    title: 'the code of packages that are linked',
    control: 'the same where none is linked, each',
    notShown: 'the edits of the user and of the host, which are asked about as such',
  },
  'kernel-files': { title: 'files that the kernel makes', control: alone, notShown: '' },
  network: { title: 'addresses, redirects, rebinding, headers, bodies', control: '`fetch`, or comparing strings', notShown: '' },
  exec: {
    title: 'options, configurations, shells and variables where nothing confines programs',
    control: 'plain `child_process` and git, each',
    notShown: 'git of another version',
  },
  'os-layer': { title: 'ways out of the confinement of programs', control: 'the same program unconfined, each', notShown: 'holes in the kernel' },
  'os-layer-process': { title: 'code that left the isolate', control: 'the same process without the layer', notShown: 'holes in the kernel' },
  'os-layer-lifetime': {
    title: 'programs that outlive their call or their agent, descriptors, users',
    control: 'the same unconfined, or begun at once',
    notShown: '',
  },
  'program-network': { title: 'programs on the network', control: 'the same script unconfined', notShown: 'other names behind a granted host' },
  'left-behind': {
    title: 'what programs and commands leave to be run, followed or read',
    control: 'the same script where nobody looks, each',
    notShown: 'ordinary sources',
  },
  'planted-repository': {
    title: 'repositories without the name of one',
    control: 'git, which runs them',
    notShown: '',
  },
  'start-files': { title: 'start files of shells', control: 'a plain child process', notShown: 'shells that read them whatever their input is' },
  'own-authority': {
    title: 'a model that widens what it may do, or plants what runs later',
    control: 'the same call without the layer, but where a reason is given',
    notShown: 'sources that the user runs',
  },
  'tool-calls': { title: 'rights through tools of others', control: 'what both may do', notShown: '' },
  background: { title: 'work that outlives its call', control: 'the same with `background`', notShown: '' },
  'late-tools': { title: 'tools that are registered late', control: 'with `tools:dynamic`', notShown: 'what a tool that was allowed says to the model' },
  wasm: { title: 'WebAssembly', control: 'with `wasm`, and the limit of an isolate', notShown: 'V8 itself' },
  lifecycle: { title: 'signals, the inspector, orphans, reloads, variables', control: 'a node without a listener', notShown: '' },
  'terminal-signals': { title: 'Ctrl-C', control: alone, notShown: '' },
  'private-storage': { title: 'a disk that is filled', control: 'with more room', notShown: '' },
  'audit-flood': { title: 'a trail that is filled', control: 'each denial a line', notShown: '' },
  compile: {
    title: 'bundling: imports, links, configurations, caches',
    control: 'esbuild as it is usually called, each',
    notShown: 'holes in esbuild: it is confined',
  },
  'tarballs/tarballs': { title: 'archives', control: 'a naive unpacker, or what two tools read', notShown: '' },
  'consent-grants': {
    title: 'grants: other projects, repositories, scripts, concurrent writers, self-grants by `bash`',
    control: 'the same by who may',
    notShown: 'daemons that were set free from all processes above them',
  },
  'consent-questions': { title: 'questions: who may ask, what they show, type-ahead', control: 'a letter pressed by itself', notShown: '' },
  'consent-revocation': { title: 'a grant that is taken back meanwhile', control: 'nobody takes anything back', notShown: '' },
  'consent-secrets': {
    title: 'secrets: where they go, what of them comes back',
    control: 'a server that echoes',
    notShown: 'encodings that nobody thought of',
  },
  hints: { title: 'commands in denials', control: alone, notShown: '' },
  'parked-updates': { title: 'updates that wait for a yes', control: 'the update that was said yes to', notShown: '' },
  session: { title: 'messages in the name of the user, changed messages', control: 'typed, and whole', notShown: '' },
  'print-output': { title: 'texts that command a terminal', control: 'a pipe gets them as they are', notShown: '' },
  drawing: {
    title: 'what packages draw: questions that are none, lines that do not fit, keys of others',
    control: 'a component that means no harm',
    notShown: 'what a picture says to who looks at it',
  },
  'source-map-names': { title: 'names in source maps', control: alone, notShown: '' },
  'registry-answers': { title: 'answers of a registry', control: 'below the limit it is read', notShown: '' },
  'private-registries': { title: 'tokens of the user, registries of a project', control: 'npm on the same files, where it does it', notShown: '' },
};
