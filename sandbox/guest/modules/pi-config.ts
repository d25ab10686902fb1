import type { GuestFactsView } from '../link.ts';

declare const __PI_VERSION__: string;

/** What pi's `config` says about places: the agent directory is the package's private overlay. */
export function createPiConfig(requireCore: (name: string) => unknown) {
  const { agentDir } = requireCore('dash:facts') as GuestFactsView;
  return {
    APP_NAME: 'pi',
    CONFIG_DIR_NAME: '.pi',
    VERSION: __PI_VERSION__,
    getAgentDir: () => agentDir,
    getBinDir: () => `${agentDir}/bin`,
    // pi's own package is not on this side: these name places where nothing is.
    getPackageDir: () => '/dash/pi',
    getReadmePath: () => '/dash/pi/README.md',
    getDocsPath: () => '/dash/pi/docs',
    getExamplesPath: () => '/dash/pi/examples',
    getThemesDir: () => `${agentDir}/themes`,
    getCustomThemesDir: () => `${agentDir}/themes`,
  };
}
