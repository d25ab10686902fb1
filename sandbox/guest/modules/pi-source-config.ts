import { createPiConfig } from './pi-config.ts';

declare const requireCore: (name: string) => unknown;

/** Stands in for pi's `config.js`, which looks for its own package on the disk. */
export const {
  APP_NAME,
  CONFIG_DIR_NAME,
  VERSION,
  getAgentDir,
  getBinDir,
  getPackageDir,
  getReadmePath,
  getDocsPath,
  getExamplesPath,
  getThemesDir,
  getCustomThemesDir,
} = createPiConfig(requireCore);
