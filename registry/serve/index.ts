export { type RunningRegistry, serveRegistry, type ServeRegistryOptions } from './serve-registry.ts';
