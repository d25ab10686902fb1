import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

import { DashError } from '../../format/index.ts';

/** `publishConfig` of a package.json, as far as npm's own `publish` heeds it: where the author says a package belongs. */
export type PublishConfig = Static<typeof PublishConfig>;
const PublishConfig = Type.Object({
  registry: Type.Optional(Type.String({ pattern: '^https?://' })),
  tag: Type.Optional(Type.String({ minLength: 1 })),
  access: Type.Optional(Type.Union([Type.Literal('public'), Type.Literal('restricted')])),
});

/**
 * Reads `publishConfig`. One that cannot be read is refused: a package that belongs on a private registry must not go to
 * the public one because of a slip of the pen.
 *
 * @throws {DashError} INVALID_MANIFEST
 */
export function readPublishConfig({ publishConfig = {} }: Readonly<Record<string, unknown>>): PublishConfig {
  const error = Value.Errors(PublishConfig, publishConfig).First();
  if (error === undefined && Value.Check(PublishConfig, publishConfig)) return publishConfig;
  throw new DashError('INVALID_MANIFEST', `\`publishConfig${(error?.path ?? '').replaceAll('/', '.')}\` of package.json is nothing to publish by`, {
    hint: 'it may have `registry` (an address of http), `tag`, and `access` (`public` or `restricted`)',
    where: { path: 'package.json' },
  });
}
