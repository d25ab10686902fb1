import type { PermissionSet } from '../../format/index.ts';

/** A variable that would choose what runs; a package does not get to set it. */
export class RefusedVariable extends Error {}

/**
 * Variables by which a loader, an interpreter or git takes code, options or another configuration. With one of them
 * `exec:git status` would run anything.
 */
const CHOOSES_CODE =
  /^(LD_.*|DYLD_.*|GIT_.*|SSH_.*|NODE_.*|NPM_CONFIG_.*|npm_config_.*|PYTHON.*|PERL.*|RUBY.*|GEM_.*|BUNDLE_.*|JAVA_.*|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|LUA_.*|PHP.*|R_.*|JULIA_.*|ERL_.*|ELIXIR_.*|BASH_ENV|BASH_FUNC_.*|BASHOPTS|SHELLOPTS|ENV|IFS|PS4|PROMPT_COMMAND|CDPATH|FPATH|ZDOTDIR|EDITOR|VISUAL|PAGER|MANPAGER|LESS.*|BROWSER|GCONV_PATH|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|LOCPATH|NLSPATH|MALLOC_.*|GLIBC_TUNABLES|TERMINFO.*|TERMCAP|MAKEFLAGS|MFLAGS|MAKEFILES|CC|CXX|CPP|LD|AS|AR|CARGO_.*|RUSTC.*|RUSTFLAGS|GOFLAGS|GO.*|OPENSSL_.*|SSL_.*|CURL_.*|WGETRC|.*_PROXY|.*_proxy|XDG_.*|DOCKER_.*|KUBECONFIG|TAR_OPTIONS|GZIP|XZ_.*|RIPGREP_CONFIG_PATH|FZF_DEFAULT_.*|BAT_.*|TMPPREFIX|DASH_.*)$/;

/** Names whose value is the host's: a guest hands its own `process.env` on, and means no harm by it. */
const HOSTS_OWN = new Set(['PATH', 'HOME', 'TMPDIR', 'TMP', 'TEMP', 'PWD', 'OLDPWD', 'USER', 'LOGNAME', 'SHELL', 'SHLVL', '_']);

/**
 * What a program gets beyond the variables of every program: what the user granted the package to see, and what the
 * package sets itself and no program takes for an instruction.
 *
 * @throws {RefusedVariable} rather than leaving one out, which would make a program do something else than was asked
 */
export function programEnvironment(
  given: Readonly<Record<string, string>> | undefined,
  granted: PermissionSet,
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const names = grantedNames(granted);
  // Without an `env` of its own a program inherits what its package sees.
  const wanted = given ?? Object.fromEntries(names.map((name) => [name, environment[name]]));
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined || HOSTS_OWN.has(name)) continue;
    const isGranted = names.includes(name) && environment[name] === value;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) throw new RefusedVariable(`\`${name}\` cannot be a variable of a program`);
    if (!isGranted && CHOOSES_CODE.test(name)) throw new RefusedVariable(`\`${name}\` can choose what a program runs: a package does not set it`);
    passed[name] = value;
  }
  return passed;
}

function grantedNames({ permissions }: PermissionSet): readonly string[] {
  const denied = permissions.flatMap((permission) => (permission.area === 'env' && permission.deny ? [permission.name] : []));
  return permissions.flatMap((permission) => (permission.area === 'env' && !permission.deny && !denied.includes(permission.name) ? [permission.name] : []));
}
