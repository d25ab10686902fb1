/** What users set for packages: read for whoever opens them, and changed. */
export { assertMaySet, findSetting, forgetSettings, parseSettingValue, setSetting, unsetSetting } from './change-value.ts';
export { settingsSchemaOf } from './installed-settings.ts';
export { openValueBook, type PackageSettings, type SettingState, toSettingValues, type ValueBook } from './read-values.ts';
