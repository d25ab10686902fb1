import { writeFileSync } from 'node:fs';
import { PROVIDERS } from '../host/model/providers.ts';

/**
 * `node scripts/known-models.ts && npx oxfmt`: writes `host/model/known-models.ts` from pi-ai's lists. Written out rather
 * than derived: who embeds Dash then compiles no lists of pi-ai's.
 */
export async function knownModels(): Promise<ReadonlyMap<string, readonly string[]>> {
  const lists = await Promise.all(PROVIDERS.map(async ({ id, load }) => [id, (await load()).getModels().map((model) => model.id)] as const));
  return new Map(lists);
}

if (import.meta.main) {
  const members = [...(await knownModels())].map(([provider, ids]) => `  '${provider}':\n${ids.map((id) => `    | '${id}'`).join('\n')};`);
  const text = `// Made by scripts/known-models.ts.\n\n/** The models that Dash knows, by provider. */\nexport interface KnownModels {\n${members.join('\n')}\n}\n`;
  writeFileSync(new URL('../host/model/known-models.ts', import.meta.url), text);
}
