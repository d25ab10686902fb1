import { createHash } from 'node:crypto';
import { choicesOf, consentLevel, DashError, describePermission, parsePermission, permissionSet } from '../format/index.ts';
import type { HeldPermission, Household, WaitingUpdate } from '../host/modes/interactive/index.ts';
import { findSetting, parseSettingValue, setSetting, settingsSchemaOf, unsetSetting } from '../registry/configure/index.ts';
import { addGrants, assertNotDelegated, makeGrants, readInstalled, revokeGrants, toggle, update, viewPackage, waiting } from '../registry/index.ts';
import type { Invocation } from './command.ts';
import { changeLines } from './commands/update.ts';
import { explain } from './commands/why.ts';
import { inspectPorts } from './compose.ts';
import { findInstalled } from './find-installed.ts';
import { npmConfigFor } from './npm-config.ts';
import { readSettingsOf, stateOf, viewSetting } from './show-settings.ts';
import { applyChoices } from './toggle-command.ts';
import { PLAIN } from './output/terminal.ts';

/** What is installed, for the agent's screen: the same as the commands of these names do. */
export function createHousehold(invocation: Invocation): Household {
  const { home, cwd, signal } = invocation;
  const scopes = [{ kind: 'user' }, { kind: 'project', dir: cwd }] as const;
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
    async settings() {
      const installed = (await readInstalled({ dashHome: home, projectDir: cwd })).filter(({ settings, linked }) => settings !== undefined || linked);
      const read = await Promise.all(installed.map(async (one) => ({ name: one.name, ...(await readSettingsOf(one, invocation)) })));
      return read.flatMap(({ name, settings }) =>
        settings.map((state) => ({
          package: name,
          name: state.setting.name,
          description: state.setting.description,
          shown: stateOf(viewSetting(state), PLAIN),
          sensitive: state.setting.sensitive,
          ...(choicesOf(state.setting) !== undefined && { choices: choicesOf(state.setting) }),
        })),
      );
    },
    async setSetting(packageName, name, typed) {
      const installed = await findInstalled(packageName, invocation);
      const pkg = { ...installed, settings: await settingsSchemaOf(installed) };
      const where = { dashHome: home, scope: { kind: 'user' } } as const;
      if (typed === undefined) await unsetSetting(pkg, name, where);
      else await setSetting(pkg, findSetting(pkg, name), parseSettingValue(pkg, findSetting(pkg, name), typed), where);
    },
    async updates() {
      const held = await waiting(home, scopes);
      return held.map((one) => ({
        digest: digestOf(one),
        name: one.name,
        from: one.from,
        to: one.to,
        lines: changeLines({ ...one, reasons: one.reasons.filter(({ message }) => !isSaidBelow(message, one)) }, PLAIN),
        mayGoWithout: one.review.without !== undefined,
      }));
    },
    async takeUpdate(shown, how) {
      const { name, to } = shown;
      const { scope, permissionDiff } = await heldAs(shown);
      const { steps } = await update([name], {
        dashHome: home,
        scope,
        workspace: cwd,
        npm: await npmConfigFor(invocation),
        ports: inspectPorts(home),
        accept: true,
        to,
        // another `dash update` may have been at work since, and have found other bytes of that version
        shown: (one) => digestOf(one) === shown.digest,
        grant: [],
        deny: how === 'without' ? permissionDiff.added : [],
        signal,
        // The person at the screen has seen what changes and said yes: to this version, and to no other.
        consentPort: { ask: ({ packages }) => Promise.resolve({ kind: packages.every((one) => one.name === name && one.version === to) ? 'install' : 'no' }) },
      });
      const [step] = steps;
      if (step === undefined) throw new DashError('UPDATE_CHANGED', `\`${name}\` was not changed: nothing waits by now`);
      return `${name} ${step.from} → ${step.to}`;
    },
    why: async (name) => (await explain(name, { ...invocation, stdout: { ...invocation.stdout, style: PLAIN } })).text,
  };

  async function heldAs({ name, digest }: WaitingUpdate): Promise<Parked & { readonly scope: (typeof scopes)[number] }> {
    for (const scope of scopes) {
      const held = (await waiting(home, [scope])).find((one) => one.name === name && digestOf(one) === digest);
      if (held !== undefined) return { ...held, scope };
    }
    throw new DashError('UPDATE_CHANGED', `what waits of \`${name}\` is not what was shown`, { hint: '`/updates` shows what waits now' });
  }
}

/** The permissions are listed with what they mean: that they are new needs no line of its own. */
function isSaidBelow(reason: string, { permissionDiff: { added } }: Parked): boolean {
  return added.some((permission) => reason === `it now asks for \`${permission}\``);
}

type Parked = Awaited<ReturnType<typeof waiting>>[number];

function digestOf(held: Parked): string {
  return createHash('sha256').update(JSON.stringify(held)).digest('hex');
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
