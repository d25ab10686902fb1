import { describe, expect, it } from 'vitest';
import { isProtectedRead, isProtectedWrite, protection, type Places } from '../../format/index.ts';

const places: Places = { workspace: '/home/u/work', home: '/home/u', data: '/home/u/.dash/data/p', tmp: '/tmp/dash-p' };

const secrets = [
  '/home/u/work/.env',
  '/home/u/work/.env.local',
  '/home/u/work/sub/.envrc',
  '/home/u/work/tls/server.pem',
  '/home/u/work/server.KEY',
  '/home/u/.npmrc',
  '/home/u/work/.npmrc',
  '/home/u/.netrc',
  '/home/u/.ssh/id_ed25519',
  '/home/u/.ssh',
  '/home/u/.aws/credentials',
  '/home/u/.gnupg/x',
  '/home/u/.git-credentials',
  '/home/u/.config/git/credentials',
  '/home/u/.config/gcloud/x.json',
  '/home/u/.kube/config',
  '/home/u/.docker/config.json',
  '/home/u/.mozilla/firefox/p/logins.json',
  '/home/u/.config/google-chrome/Default/Cookies',
  '/home/u/Library/Application Support/Google/Chrome/x',
  '/home/u/Library/Keychains/login.keychain-db',
  '/home/u/.codex/auth.json',
  '/home/u/.pi/agent/auth.json',
  '/root/.ssh/id_rsa',
];
const executors = [
  '/home/u/work/.git/hooks/pre-commit',
  '/home/u/work/.git',
  '/home/u/work/sub/.git/config',
  '/home/u/work/.gitattributes',
  '/home/u/work/.gitmodules',
  '/home/u/work/.husky/x',
  '/home/u/work/.pre-commit-config.yaml',
  '/home/u/.bashrc',
  '/home/u/.zshenv',
  '/home/u/.profile',
  '/home/u/.config/systemd/user/x.service',
  '/home/u/Library/LaunchAgents/x.plist',
  '/home/u/.local/bin/x',
  '/home/u/work/node_modules/a/index.js',
  '/home/u/work/.venv/bin/python',
  '/home/u/work/package.json',
  '/home/u/work/packages/a/package.json',
  '/home/u/work/vite.config.ts',
  '/home/u/work/x.config.mjs',
  '/home/u/work/Makefile',
  '/home/u/work/justfile',
  '/home/u/work/setup.py',
  '/home/u/work/tests/conftest.py',
  '/home/u/work/.github/workflows/ci.yml',
  '/home/u/work/src/HEAD',
  '/home/u/work/.yarnrc',
  '/home/u/work/.yarn/releases/yarn.cjs',
  '/home/u/work/.prettierrc.cjs',
  '/home/u/work/web/gulpfile.js',
  '/home/u/work/karma.conf.js',
  '/home/u/work/.cargo/config.toml',
  '/home/u/work/.dir-locals.el',
  '/home/u/work/.nvim.lua',
  '/home/u/work/.Rprofile',
  '/home/u/work/.mvn/extensions.xml',
  '/home/u/work/.gitea/workflows/x.yml',
  '/home/u/work/Jenkinsfile',
  '/home/u/work/.github/instructions/x.md',
  '/home/u/work/.windsurf/rules/x.md',
  '/home/u/work/.gitlab-ci.yml',
  '/home/u/work/.circleci/config.yml',
  '/home/u/work/.vscode/tasks.json',
  '/home/u/work/.idea/x',
  '/home/u/work/.devcontainer/x',
  '/home/u/work/.mcp.json',
  '/home/u/work/.agents/x',
  '/home/u/work/.dash/settings.json',
  '/home/u/work/.pi/x',
  '/home/u/work/.claude/settings.json',
  '/home/u/work/.codex/x',
  '/home/u/work/.cursor/rules',
  '/home/u/work/.gemini/x',
  '/home/u/work/.opencode/x',
  '/home/u/work/AGENTS.md',
  '/home/u/work/sub/claude.md',
  '/home/u/work/GEMINI.md',
  '/home/u/work/SYSTEM.md',
  '/home/u/work/skills/a/SKILL.md',
];
const ordinary = [
  '/home/u/work/src/index.ts',
  '/home/u/work/README.md',
  '/home/u/work/environment.ts',
  '/home/u/work/keys.ts',
  '/home/u/work/config.ts',
  '/home/u/work/github/workflows/x',
  '/home/u/work/gitignore',
  '/home/u/work',
  '/home/u/work/local/bin/x',
  '/home/u/work/makefile.md',
  '/home/u/.dash/data/p/.env',
  '/tmp/dash-p/.git/config',
];

describe('protected paths', () => {
  it.each(secrets)('keeps %s from being read and written', (path) => {
    expect([isProtectedRead(path, places), isProtectedWrite(path, places)]).toEqual([true, true]);
  });

  it.each(executors)('lets %s be read and keeps it from being written', (path) => {
    expect([isProtectedRead(path, places), isProtectedWrite(path, places)]).toEqual([false, true]);
  });

  it.each(ordinary)('leaves %s alone', (path) => {
    expect([isProtectedRead(path, places), isProtectedWrite(path, places)]).toEqual([false, false]);
  });

  it('closes the home of Dash, wherever it is, but for the data of the package', () => {
    expect(protection('fs:read', '/home/u/.dash/grants.json', places)).toBe('closed');
    expect(protection('fs:read', '/home/u/.dash/data/other/x', places)).toBe('closed');
    const moved: Places = { ...places, data: '/srv/dash/data/p', dashHome: '/srv/dash' };
    expect(protection('fs:read', '/srv/dash/grants.json', moved)).toBe('closed');
    expect(protection('fs:write', '/srv/dash/data/p/x', moved)).toBe('open');
  });

  it('counts names inside the workspace only, so that one can work in a folder of another agent', () => {
    const inside: Places = { ...places, workspace: '/home/u/.claude/plugins/mine' };
    expect(protection('fs:write', '/home/u/.claude/plugins/mine/src/a.ts', inside)).toBe('open');
    expect(protection('fs:write', '/home/u/.claude/plugins/other/a.ts', inside)).toBe('by-name');
    expect(protection('fs:write', '/home/u/.claude/plugins/mine/.git/config', inside)).toBe('by-name');
  });

  it('closes a workspace inside a store of secrets', () => {
    expect(protection('fs:read', '/home/u/.ssh/keys/a', { ...places, workspace: '/home/u/.ssh/keys' })).toBe('closed');
  });
});
