import type { Diagnostic } from '../../../format/index.ts';
import type { Check } from './check-subject.ts';

const WHERE = { path: 'package.json' };
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/** What a registry and its readers need of `package.json`, and what Dash will not do. */
export const checkManifest: Check = ({ manifest, packageJson }) => {
  if (packageJson === undefined) return [];
  const diagnostics: Diagnostic[] = [];
  const say = (severity: Diagnostic['severity'], code: string, message: string) => diagnostics.push({ severity, code, message, where: WHERE });

  if (typeof packageJson['version'] !== 'string' || !SEMVER.test(packageJson['version']))
    say('error', 'INVALID_VERSION', '`version` is missing or not a semantic version');
  if (!NPM_NAME.test(manifest.name) || manifest.name.length > 214)
    say('error', 'INVALID_NAME', `\`${manifest.name}\` cannot be published: names are lower case, without spaces`);
  if (manifest.description === '') say('warning', 'DESCRIPTION_MISSING', '`description` is missing; it is what a search shows');
  if (packageJson['license'] === undefined) say('warning', 'LICENSE_MISSING', '`license` is missing; without one nobody may use the package');
  if (packageJson['private'] === true) say('warning', 'PRIVATE', '`private` is set: the package can be installed from git or a directory, not published');

  for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    if (/^(git|https?|file|link|github|workspace|portal)\b.*[:/]/.test(range) || range.startsWith('.') || range.startsWith('/')) {
      say('error', 'DEPENDENCY_NOT_ON_REGISTRY', `dependency \`${name}\` is \`${range}\`; dependencies come from the registry`);
    }
  }
  const scripts = packageJson['scripts'];
  const ignored = INSTALL_SCRIPTS.filter((script) => typeof scripts === 'object' && scripts !== null && script in scripts);
  if (ignored.length > 0)
    say(
      'warning',
      'SCRIPTS_IGNORED',
      `${ignored.map((script) => `\`${script}\``).join(', ')}: Dash never runs scripts of a package; ship what they would make`,
    );
  return diagnostics;
};

const NPM_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;
/** https://semver.org, the grammar of a version without build metadata, which registries drop. */
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;
