import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const page = fileURLToPath(new URL('../../docs/terminal.md', import.meta.url));
const golden = new URL('../terminal/golden/', import.meta.url);
const CAPTURE = /<!-- capture: ([\w.-]+) -->\n(?:\n```text\n[^]*?\n```\n)?/g;

test('the captures in the page are the screens that the tests hold', async () => {
  const text = readFileSync(page, 'utf8');
  const shown = text.replaceAll(CAPTURE, (_, name: string) => {
    const screen = readFileSync(new URL(`${name}.txt`, golden), 'utf8')
      .replace(/^\n+/, '')
      .trimEnd();
    return `<!-- capture: ${name} -->\n\n\`\`\`text\n${screen}\n\`\`\`\n`;
  });
  expect([...text.matchAll(CAPTURE)].length).toBeGreaterThan(5);
  // `vitest -u` writes the page
  await expect(shown).toMatchFileSnapshot(page);
});
