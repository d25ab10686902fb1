export { openAges, type PackageAge } from './package-ages.ts';
export { pingRegistry, type RegistryPing } from './ping-registry.ts';
export { type FoundPackage, type NpmSearch, type NpmSearchQuery, searchNpm } from './search-npm.ts';
