import { type Diagnostic, isDashError } from '../format/index.ts';
import { type Keys, readKeybindings } from './keybindings.ts';
import type { ProjectFiles } from './project-files.ts';
import { readAllSettings, type Settings } from './settings.ts';
import { readPromptFiles } from './system-prompt.ts';

/** What the files of the user, and of a trusted project, say about how the agent works; as they were read last. */
export interface Configuration {
  readonly settings: Settings;
  readonly promptFiles: Awaited<ReturnType<typeof readPromptFiles>>;
  readonly keybindings: Pick<Keys, 'bindings' | 'diagnostics'>;
  readonly diagnostics: readonly Diagnostic[];
  /** Directories of the project whose `.dash` is listened to, the outermost first; none where it is not trusted. */
  readonly projects: readonly string[];
  /** Reads them again; settings that cannot be read leave those before them. */
  reread(): Promise<void>;
}

/** Reads the configuration. `project` finds the files of the project, if it is trusted. @throws {DashError} SETTINGS_INVALID */
export async function readConfiguration(dashHome: string, project: () => Promise<ProjectFiles | undefined>): Promise<Configuration> {
  let files = await project();
  let { settings, diagnostics } = await readAllSettings(dashHome, files);
  let [promptFiles, keybindings] = await Promise.all([readPromptFiles(dashHome, files), readKeybindings(dashHome)]);
  return {
    get settings() {
      return settings;
    },
    get promptFiles() {
      return promptFiles;
    },
    get keybindings() {
      return keybindings;
    },
    get diagnostics() {
      return diagnostics;
    },
    get projects() {
      return files?.configured ?? [];
    },
    async reread() {
      files = await project();
      [promptFiles, keybindings] = await Promise.all([readPromptFiles(dashHome, files), readKeybindings(dashHome)]);
      try {
        ({ settings, diagnostics } = await readAllSettings(dashHome, files));
      } catch (error) {
        // half a file, in the middle of being saved: the settings before it go on
        if (!isDashError(error)) throw error;
        const { code, message, where } = error;
        diagnostics = [{ severity: 'error', code, message, ...(where === undefined ? {} : { where }) }];
      }
    },
  };
}
