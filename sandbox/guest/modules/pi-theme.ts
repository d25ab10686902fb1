type Paint = (text: string) => string;

const same: Paint = (text) => text;

/** pi's class, without colours: the front end colours what it draws, a package's text carries no escapes. */
export class Theme {
  readonly name = 'plain';
  readonly fg = (_color: string, text: string): string => text;
  readonly bg = (_color: string, text: string): string => text;
  readonly bold = same;
  readonly italic = same;
  readonly underline = same;
  readonly inverse = same;
  readonly strikethrough = same;
  readonly getFgAnsi = (): string => '';
  readonly getBgAnsi = (): string => '';
  readonly getColorMode = (): string => 'truecolor';
  readonly getThinkingBorderColor = (): Paint => same;
  readonly getBashModeBorderColor = (): Paint => same;
}

export const theme = new Theme();

/** The theme is the host's: choosing one here changes nothing, and says so by returning the one there is. */
export function initTheme(): Theme {
  return theme;
}

/** The code's lines as they are. */
export function highlightCode(code: string): string[] {
  return code.split('\n');
}

const languages: Readonly<Record<string, string>> = {
  ts: 'typescript',
  tsx: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  go: 'go',
  java: 'java',
  kt: 'kotlin',
  swift: 'swift',
  c: 'c',
  h: 'c',
  cpp: 'cpp',
  cc: 'cpp',
  cxx: 'cpp',
  hpp: 'cpp',
  cs: 'csharp',
  php: 'php',
  sh: 'bash',
  bash: 'bash',
  zsh: 'bash',
  fish: 'fish',
  ps1: 'powershell',
  sql: 'sql',
  html: 'html',
  htm: 'html',
  css: 'css',
  scss: 'scss',
  less: 'less',
  json: 'json',
  yaml: 'yaml',
  yml: 'yaml',
  toml: 'toml',
  xml: 'xml',
  md: 'markdown',
  markdown: 'markdown',
  dockerfile: 'dockerfile',
  lua: 'lua',
  r: 'r',
  scala: 'scala',
  ex: 'elixir',
  exs: 'elixir',
  erl: 'erlang',
  hs: 'haskell',
  ml: 'ocaml',
  vim: 'vim',
  graphql: 'graphql',
  proto: 'protobuf',
  tf: 'hcl',
};

/** The language of a file by its extension. */
export function getLanguageFromPath(path: string): string | undefined {
  const extension = path.split('.').pop()?.toLowerCase();
  return extension === undefined ? undefined : languages[extension];
}

/** Styles for pi-tui's Markdown. */
export function getMarkdownTheme(): object {
  const styles = Object.fromEntries(
    [
      'heading',
      'link',
      'linkUrl',
      'code',
      'codeBlock',
      'codeBlockBorder',
      'quote',
      'quoteBorder',
      'hr',
      'listBullet',
      'bold',
      'italic',
      'underline',
      'strikethrough',
    ].map((name) => [name, same]),
  );
  return { ...styles, highlightCode };
}

/** Styles for pi-tui's SelectList. */
export function getSelectListTheme(): object {
  return { selectedPrefix: same, selectedText: same, description: same, scrollInfo: same, noMatch: same };
}

/** Styles for pi-tui's Editor. */
export function getEditorTheme(): object {
  return { borderColor: same, selectList: getSelectListTheme() };
}

/** Styles for pi-tui's SettingsList. */
export function getSettingsListTheme(): object {
  return { label: same, value: same, description: same, cursor: '→ ', hint: same };
}
