import { describePermission, parsePermission, PROFILE_WORDS } from '../../format/index.ts';
import { allRequestsOf, computedSubjectsOf, readInstalled, readProfile, unusedGrants, viewPackage, type PackageView } from '../../registry/index.ts';
import type { DefineCommand } from '../command.ts';
import { findInstalled } from '../find-installed.ts';
import { formatEvidence } from '../output/evidence.ts';
import { formatTable } from '../output/table.ts';
import { oneLine, type Style } from '../output/terminal.ts';

export const define: DefineCommand = (command) => {
  command
    .argument('[name]', 'only this package')
    .option('--used', 'as `dash permissions used`')
    .option('--diff <from>', 'as `dash permissions diff <from> <name>`')
    .option('--format <format>', 'of a difference: text or md', 'text');
  return async (invocation) => {
    const [name] = command.args;
    const { used, diff, format } = command.opts<{ readonly used?: true; readonly diff?: string; readonly format: string }>();
    if (used === true) return (await import('./permissions-used.ts')).showUsed(name, invocation);
    if (diff !== undefined) return (await import('./permissions-diff.ts')).showDifference([diff, ...command.args], format, invocation);
    const installed =
      name === undefined ? await readInstalled({ dashHome: invocation.home, projectDir: invocation.cwd }) : [await findInstalled(name, invocation)];
    const { profile } = await readProfile(invocation.home);
    const packages = await Promise.all(
      installed.map(async (one) => ({
        ...(await viewPackage(one, invocation.home, invocation.cwd)),
        unused: await unusedGrants(invocation.home, one.grantKey),
        inferred: allRequestsOf(one).flatMap(({ permission, inferred }) => (inferred === undefined ? [] : [{ permission, seenAt: formatEvidence(inferred) }])),
        computed: [...computedSubjectsOf(one)],
      })),
    );
    return {
      kind: 'document',
      document: {
        profile,
        packages: packages.map(({ id, name: shown, version, permissions, unused, inferred, computed }) => ({
          id,
          name: shown,
          version,
          permissions,
          unused,
          inferred,
          computed,
        })),
      },
      text: `${packages.length === 0 ? 'nothing is installed\n' : packages.map((one) => textOf(one, invocation.stdout.style)).join('\n')}profile: ${profile}, ${PROFILE_WORDS[profile]}\n`,
    };
  };
};

type Listed = PackageView & {
  readonly unused: Awaited<ReturnType<typeof unusedGrants>>;
  /** What it does not say itself, and its code was seen to need. */
  readonly inferred: readonly { readonly permission: string; readonly seenAt: string }[];
  /** Of what kinds its code decides while it runs: asked for when it happens. */
  readonly computed: readonly string[];
};

function textOf({ name, version, permissions: { requested, granted, denied }, unused, inferred, computed }: Listed, style: Style): string {
  const all = [...new Set([...requested, ...granted, ...denied, ...unused.map(({ permission }) => permission)])];
  const rows = all.map((permission) => {
    const state = denied.includes(permission) ? style.bad('denied') : granted.includes(permission) ? style.good('granted') : style.dim('not granted');
    const days = unused.find((one) => one.permission === permission)?.days;
    const idle = days === undefined ? '' : granted.includes(permission) ? `; unused for ${days} days` : `; forgotten, for it was not used for ${days} days`;
    const seenAt = inferred.find((one) => one.permission === permission)?.seenAt;
    const seen = seenAt === undefined ? '' : `; seen in its code: ${seenAt}`;
    return [`  ${state}`, oneLine(permission), style.dim(oneLine(`${describePermission(parsePermission(permission))}${seen}`)) + style.warning(idle)];
  });
  const later = computed.length === 0 ? '' : `  decides while it runs, and is asked for when it happens: ${computed.join(', ')}\n`;
  return `${style.strong(oneLine(name))} ${oneLine(version)}\n${rows.length === 0 ? '  asks for nothing; it can talk to your model\n' : formatTable(rows)}${later}`;
}
