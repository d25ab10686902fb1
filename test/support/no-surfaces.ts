import { OpenSurfaces } from '../../sandbox/open-surfaces.ts';

/** Where nothing is drawn, and nobody would answer for it. */
export const NO_SURFACES = new OpenSurfaces({
  packageName: 'nobody',
  port: () => undefined,
  call: () => Promise.reject(new Error('there is no guest')),
  pauseClocks: () => ({ [Symbol.dispose]: () => undefined }),
  attended: () => undefined,
});
