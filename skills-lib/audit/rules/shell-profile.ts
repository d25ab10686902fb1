import { patternRule } from '../rule.ts';

/** Instructions for setting up a tool do this; a person has to weigh which variable it is, and what its value leads to. */
export const shellProfile = patternRule(
  'shell-profile',
  'notice',
  /(?<=\becho\s{1,4}["']export\s[^\n]{1,300}["']\s{0,4})>>?\s*(?:~|\$HOME|\$\{HOME\})\/\.(?:bashrc|zshrc|profile|bash_profile|zprofile)\b/i,
  'sets a variable in every shell from now on',
  (text, offset) => !setsVariable(text, offset),
);

/** Tells whether what is written at `offset` is one variable with a plain value, and nothing that runs. */
export function setsVariable(text: string, offset: number): boolean {
  const before = text.slice(Math.max(0, offset - 300), offset);
  const [, name] =
    /\becho\s+(?:'export ([A-Z][A-Z0-9_]*)=(?:(?!\$\()[^'`;|&\n])*'|"export ([A-Z][A-Z0-9_]*)=(?:(?!\$\()[^'`;|&\n])*")\s*$/
      .exec(before)
      ?.filter((part) => part !== undefined) ?? [];
  return name !== undefined && !RUNS.test(name);
}

/** Variables whose value is code, or says which code is loaded into everything. */
const RUNS =
  /^(?:PROMPT_COMMAND|PS[0-4]|BASH_ENV|ENV|LD_.*|DYLD_.*|NODE_OPTIONS|PYTHON(?:STARTUP|PATH)|PERL5?(?:OPT|LIB)|RUBYOPT|JAVA_TOOL_OPTIONS|GIT_.*|EDITOR|PAGER|BROWSER)$/;
