import { type Diagnostic, isDashError } from '../format/index.ts';
import { type Keys, readKeybindings } from './keybindings.ts';
import { directoriesWithSettings, type ProjectFiles } from './prompt/project-files.ts';
import { readAllSettings, type Settings } from './settings/settings.ts';
import { type PromptFiles, readPromptFiles } from './prompt/system-prompt.ts';

/** What the files of the user, and of a trusted project, say about how the agent works; as they were read last. */
export interface Configuration {
  readonly settings: Settings;
  readonly promptFiles: PromptFiles;
  readonly keybindings: Pick<Keys, 'bindings' | 'diagnostics'>;
  readonly diagnostics: readonly Diagnostic[];
  /** Directories of the project whose `.dash/settings.json` is listened to, the outermost first; none where it is not trusted. */
  readonly projects: readonly string[];
  /** Reads them again; settings that cannot be read leave those before them. */
  reread(): Promise<void>;
}

/**
 * Reads the configuration, with the files of the project where it is trusted. `look` decides that anew whenever it is read
 * again. @throws {DashError} SETTINGS_INVALID
 */
export async function readConfiguration(
  dashHome: string,
  trusted: ProjectFiles | undefined,
  look: () => Promise<ProjectFiles | undefined>,
): Promise<Configuration> {
  let { settings, diagnostics } = await readAllSettings(dashHome, trusted);
  let [promptFiles, keybindings, projects] = await Promise.all([
    readPromptFiles(dashHome, trusted),
    readKeybindings(dashHome),
    directoriesWithSettings(trusted),
  ]);
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
      return projects;
    },
    async reread() {
      const files = await look();
      [promptFiles, keybindings, projects] = await Promise.all([readPromptFiles(dashHome, files), readKeybindings(dashHome), directoriesWithSettings(files)]);
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
