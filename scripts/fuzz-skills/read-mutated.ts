/**
 * Reads mutated SKILL.md files, and prints what came of it as JSON: `read-mutated.ts [count] [seed]`. Fails when reading
 * throws, when a file runs as a program, or when the slowest in a hundred takes a millisecond or more.
 */
import { checkSkill, parseSkill } from '../../skills-lib/index.ts';
import { isDashError } from '../../format/index.ts';

const SEEDS = [
  '---\nname: my-skill\ndescription: A test skill\nmetadata:\n  author: a\n  version: 1.0\n---\n# Title\n\nText with `code`.\n',
  '---\nname: my-skill\ndescription: >-\n  folded\n  text\nallowed-tools: Bash(git:*) Read\n---\n\n!`cat /etc/passwd` and @/etc/passwd\n',
  '\uFEFF---\r\nname: "my-skill"\r\ndescription: \'quoted: colon\'\r\n---\r\nBody\r\n',
  "---js\n{ name: (globalThis.PWNED = 1, 'x') }\n---\n",
  '# No front matter\n\nDoes a thing.\n',
];
const PIECES = [
  '---',
  '---js',
  '---javascript',
  '--- js',
  '---\n',
  '\n---\n',
  ': ',
  'a: b: c',
  '&a ',
  '*a',
  '!!js/function ',
  '!!python/object ',
  '<<: *a',
  '{',
  '}',
  '[',
  ']',
  '|\n',
  '>-\n',
  '\t',
  '\r',
  '\0',
  '\u202E',
  '\u{E0041}',
  '"',
  "'",
  '#',
  '__proto__: {PWNED: 1}',
  'constructor:',
  '(globalThis.PWNED = 1)',
  'x'.repeat(3000),
  '- '.repeat(200),
  '[['.repeat(300),
] as const;

const count = Number(process.argv[2] ?? 20_000);
const seed = Number(process.argv[3] ?? 1);
const random = generator(seed);
const times: number[] = [];
const outcomes = { strict: 0, loadable: 0, refused: 0 };
let crashes = 0;
for (let at = 0; at < count; at++) {
  const text = mutate(SEEDS[random(SEEDS.length)] ?? '');
  const begin = performance.now();
  try {
    const { strict, loadable } = checkSkill(text, '/skills/my-skill/SKILL.md');
    outcomes[strict ? 'strict' : loadable ? 'loadable' : 'refused']++;
    parse(text);
  } catch (error) {
    crashes++;
    console.error(JSON.stringify(text), error);
  }
  times.push(performance.now() - begin);
}
times.sort((a, b) => a - b);
const at = (part: number): number => Math.round((times[Math.floor((times.length - 1) * part)] ?? 0) * 1000) / 1000;
const ran = Reflect.get(globalThis, 'PWNED') !== undefined || Reflect.get({}, 'PWNED') !== undefined;
console.log(JSON.stringify({ files: count, seed, ...outcomes, crashes, ran, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }, null, 2));
if (crashes > 0 || ran || at(0.99) >= 1) process.exitCode = 1;

function parse(text: string): void {
  try {
    parseSkill(text, '/skills/my-skill/SKILL.md');
  } catch (error) {
    if (!isDashError(error, 'INVALID_SKILL')) throw error;
  }
}

function mutate(seedText: string): string {
  let text = seedText;
  for (let steps = 1 + random(6); steps > 0; steps--) {
    const from = random(text.length + 1);
    const piece = PIECES[random(PIECES.length)] ?? '';
    switch (random(5)) {
      case 0:
        text = text.slice(0, from) + text.slice(from + random(20));
        break;
      case 1:
        text = text.slice(0, from) + String.fromCharCode(random(0x300)) + text.slice(from + 1);
        break;
      case 2:
        text = text.slice(0, from) + text.slice(from, from + random(60)).repeat(1 + random(4)) + text.slice(from);
        break;
      default:
        text = text.slice(0, from) + piece + text.slice(from);
    }
  }
  return text;
}

/** The same numbers for the same seed. https://en.wikipedia.org/wiki/Xorshift */
function generator(start: number): (below: number) => number {
  let state = start | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
