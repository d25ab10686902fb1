/** A theme without colours: the front end colours what it draws; a package's text carries no escapes. */
export function createTheme(): object {
  const same = (text: string): string => text;
  return {
    name: 'plain',
    fg: (_colour: string, text: string) => text,
    bg: (_colour: string, text: string) => text,
    bold: same,
    italic: same,
    underline: same,
    inverse: same,
    strikethrough: same,
    getFgAnsi: () => '',
    getBgAnsi: () => '',
    getColorMode: () => 'truecolor',
    getThinkingBorderColor: () => same,
    getBashModeBorderColor: () => same,
  };
}
