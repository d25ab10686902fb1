export { type FoundPackage, type NpmSearch, type NpmSearchQuery, searchNpm } from './search-npm.ts';
