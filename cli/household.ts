import { consentLevel, describePermission, parsePermission, permissionSet } from '../format/index.ts';
import type { HeldPermission, Household } from '../host/modes/interactive/index.ts';
import {
  addGrants,
  assertNotDelegated,
  type ConsentAnswer,
  makeGrants,
  readInstalled,
  revokeGrants,
  toggle,
  update,
  viewPackage,
  waiting,
} from '../registry/index.ts';
import type { Invocation } from './command.ts';
import { changeLines } from './commands/update.ts';
import { explain } from './commands/why.ts';
import { inspectPorts } from './compose.ts';
import { findInstalled } from './find-installed.ts';
import { npmConfigFor } from './npm-config.ts';
import { applyChoices } from './toggle-command.ts';
import { PLAIN } from './output/terminal.ts';

/** What is installed, for the agent's screen: the same as the commands of these names do. */
export function createHousehold(invocation: Invocation): Household {
  const { home, cwd, signal } = invocation;
  return {
    async packages() {
      const installed = await readInstalled({ dashHome: home, projectDir: cwd });
      return installed.map(({ name, version, enabled, resources }) => ({
        name,
        version,
        enabled,
        brings: Object.entries(resources)
          .flatMap(([kind, paths]) => (paths.length === 0 ? [] : [`${paths.length} ${paths.length === 1 ? kind.slice(0, -1) : kind}`]))
          .join(', '),
      }));
    },
    async setEnabled(name, enabled) {
      await applyChoices([{ name, choose: (pkg) => toggle(pkg, undefined, enabled) }], { ...invocation, globals: { ...invocation.globals, progress: false } });
    },
    async permissions() {
      const installed = await readInstalled({ dashHome: home, projectDir: cwd });
      return Promise.all(
        installed.map(async (one) => {
          const { name, version, permissions } = await viewPackage(one, home, cwd);
          return { name, version, permissions: heldPermissions(permissions) };
        }),
      );
    },
    async grant(name, permission) {
      assertNotDelegated();
      const { grantKey, version } = await findInstalled(name, invocation);
      const grants = await makeGrants([parsePermission(permission)], { mode: 'named', by: '/permissions', at: new Date().toISOString(), version }, cwd);
      await addGrants(home, grantKey, grants);
    },
    async revoke(name, permission) {
      await revokeGrants(home, (await findInstalled(name, invocation)).grantKey, [permission]);
    },
    async updates() {
      const held = await waiting(home, [{ kind: 'user' }, { kind: 'project', dir: cwd }]);
      return held.map((one) => ({
        name: one.name,
        from: one.from,
        to: one.to,
        lines: changeLines(one, PLAIN),
        mayGoWithout: one.review.without !== undefined,
      }));
    },
    async takeUpdate(name, how) {
      const { scope, permissionDiff } = await heldBy(name);
      const answer: ConsentAnswer = { kind: 'install' };
      const { steps } = await update([name], {
        dashHome: home,
        scope,
        workspace: cwd,
        npm: await npmConfigFor(invocation),
        ports: inspectPorts(home),
        accept: true,
        grant: [],
        deny: how === 'without' ? permissionDiff.added : [],
        signal,
        // The person at the screen has seen what changes and said yes.
        consentPort: { ask: () => Promise.resolve(answer) },
      });
      return steps.map(({ from, to }) => `${name} ${from} → ${to}`).join('\n') || `${name} was not changed`;
    },
    why: async (name) => (await explain(name, { ...invocation, stdout: { ...invocation.stdout, style: PLAIN } })).text,
  };

  async function heldBy(name: string) {
    for (const scope of [{ kind: 'user' }, { kind: 'project', dir: cwd }] as const) {
      const held = (await waiting(home, [scope])).find((one) => one.name === name);
      if (held !== undefined) return { ...held, scope };
    }
    throw new Error(`no update of ${name} waits`);
  }
}

function heldPermissions({ requested, granted, denied }: Awaited<ReturnType<typeof viewPackage>>['permissions']): HeldPermission[] {
  return [...new Set([...requested, ...granted, ...denied])].map((permission) => {
    const parsed = parsePermission(permission);
    return {
      permission,
      words: describePermission(parsed),
      state: denied.includes(permission) ? 'denied' : granted.includes(permission) ? 'granted' : 'not granted',
      isRed: consentLevel(parsed, permissionSet([parsed])) === 'one-by-one',
    };
  });
}
