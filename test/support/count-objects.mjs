// Loaded into an agent before its own code: at a SIGUSR2 it says on a line of its stderr how many objects are alive.
import { writeSync } from 'node:fs';
import { queryObjects } from 'node:v8';

process.on('SIGUSR2', () => writeSync(2, `objects: ${queryObjects(Object, { format: 'count' })}\n`));
