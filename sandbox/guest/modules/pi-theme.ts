import type { Stage } from '../api/stage.ts';

declare const requireCore: (name: string) => unknown;

const stage = requireCore('dash:stage') as Stage;

/** The user's theme, as `ctx.ui.theme` is: plain where nothing is drawn. */
export const { theme } = stage;
export const Theme = theme.constructor;

const paint = (color: string) => (text: string) => theme.fg(color, text);

/** The theme is the host's: choosing one here changes nothing, and says so by returning the one there is. */
export function initTheme(): object {
  return theme;
}

/** The code's lines in the colour of code; which word is what, nobody looks up here. */
export function highlightCode(code: string): string[] {
  return code.split('\n').map(paint('mdCodeBlock'));
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
  const named = ['heading', 'link', 'linkUrl', 'code', 'codeBlock', 'codeBlockBorder', 'quote', 'quoteBorder', 'hr', 'listBullet'];
  return {
    ...Object.fromEntries(named.map((name) => [name, paint(`md${name.slice(0, 1).toUpperCase()}${name.slice(1)}`)])),
    bold: (text: string) => theme.bold(text),
    italic: (text: string) => theme.italic(text),
    underline: (text: string) => theme.underline(text),
    strikethrough: (text: string) => theme.strikethrough(text),
    highlightCode,
  };
}

/** Styles for pi-tui's SelectList. */
export function getSelectListTheme(): object {
  const [accent, muted] = [paint('accent'), paint('muted')];
  return { selectedPrefix: accent, selectedText: accent, description: muted, scrollInfo: muted, noMatch: muted };
}

/** Styles for pi-tui's Editor. */
export function getEditorTheme(): object {
  return stage.editorTheme;
}

/** Styles for pi-tui's SettingsList. */
export function getSettingsListTheme(): object {
  return {
    label: (text: string, selected: boolean) => (selected ? theme.fg('accent', text) : text),
    value: (text: string, selected: boolean) => theme.fg(selected ? 'accent' : 'muted', text),
    description: paint('dim'),
    cursor: theme.fg('accent', '→ '),
    hint: paint('dim'),
  };
}
