import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what a package kept for itself under `data:/`. */
export async function removeData(home: string, packageName: string): Promise<void> {
  await rm(join(home, 'data', encodeURIComponent(packageName)), { recursive: true, force: true });
}
