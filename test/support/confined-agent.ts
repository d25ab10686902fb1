import { openConfinedScene } from './confined-scene.ts';

/** An agent of its own that runs one program, confined or naively, and says what it said. */
const [, , how, script = ''] = process.argv;
await using scene = await openConfinedScene(['fs:read', 'fs:write']);
console.log('agent ready');
const { stdout } = how === 'confined' ? await scene.confined(script) : await scene.naively(script);
console.log(stdout);
