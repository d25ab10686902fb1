import type { AuditRule } from '../rule.ts';
import { credentialToNetwork } from './credential-to-network.ts';
import { destructiveCommand } from './destructive-command.ts';
import { doubleBase64 } from './double-base64.ts';
import { encodedExecution } from './encoded-execution.ts';
import { exfiltrationSink } from './exfiltration-sink.ts';
import { hiddenComment } from './hidden-comment.ts';
import { hiddenUnicode } from './hidden-unicode.ts';
import { linkOutside } from './link-outside.ts';
import { nearName } from './near-name.ts';
import { passwordArchive } from './password-archive.ts';
import { persistence } from './persistence.ts';
import { pipeToShell } from './pipe-to-shell.ts';
import { prerequisiteBinary } from './prerequisite-binary.ts';
import { rawAddress } from './raw-address.ts';
import { reverseShell } from './reverse-shell.ts';
import { secrecyAndOverride } from './secrecy-and-override.ts';
import { shellProfile } from './shell-profile.ts';

/** Changes whenever a rule does: a verdict holds for one set of rules. */
export const RULES_VERSION = 5;

/** Every rule for text. */
export const TEXT_RULES: readonly AuditRule[] = [
  credentialToNetwork,
  destructiveCommand,
  doubleBase64,
  encodedExecution,
  exfiltrationSink,
  hiddenComment,
  hiddenUnicode,
  linkOutside,
  nearName,
  passwordArchive,
  persistence,
  pipeToShell,
  prerequisiteBinary,
  rawAddress,
  reverseShell,
  secrecyAndOverride,
  shellProfile,
];
