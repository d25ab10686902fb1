import { withAllExports } from './host-exports.ts';
import { createPiConfig } from './pi-config.ts';

// pi's own files: `pi-source:` leads into its package, past the `exports` that name only its index.
const sources = (): readonly Record<string, unknown>[] => [
  require('pi-source:core/tools/index.js'),
  require('pi-source:core/tools/edit-diff.js'),
  require('pi-source:core/messages.js'),
  require('pi-source:core/compaction/utils.js'),
  require('pi-source:core/extensions/types.js'),
  require('pi-source:core/event-bus.js'),
  require('pi-source:core/source-info.js'),
  require('pi-source:utils/frontmatter.js'),
  require('pi-source:utils/mime.js'),
  require('pi-source:modes/interactive/components/dynamic-border.js'),
  require('pi-source:modes/interactive/components/bordered-loader.js'),
  require('pi-source:modes/interactive/components/custom-editor.js'),
  require('pi-source:modes/interactive/components/keybinding-hints.js'),
  require('pi-source:modes/interactive/components/visual-truncate.js'),
  require('pi-source:modes/interactive/components/diff.js'),
  require('pi-source:modes/interactive/theme/theme.js'),
];

/** Makes pi-coding-agent: helpers and tool factories over the broker; sessions and agents are the host's. */
export function createPiCodingAgent(requireCore: (name: string) => unknown): Record<string, unknown> {
  const { getAgentDir, getPackageDir, getReadmePath, getDocsPath, getExamplesPath, CONFIG_DIR_NAME, VERSION } = createPiConfig(requireCore);
  const members: Record<string, unknown> = { getAgentDir, getPackageDir, getReadmePath, getDocsPath, getExamplesPath, CONFIG_DIR_NAME, VERSION };
  for (const source of sources()) for (const [name, value] of Object.entries(source)) members[name] ??= value;
  return withAllExports('pi-coding-agent', members, 'sessions, models and settings are the host\u2019s; use ctx, or `dash.spawnAgent` for an agent of its own');
}
