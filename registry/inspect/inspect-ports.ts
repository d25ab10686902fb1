import type { CaptureOutcome, CompiledPackage, Diagnostic, ModuleGraph } from '../../format/index.ts';

/** What compiling and capturing gave; one outcome for each compiled entry. */
export interface Build {
  readonly compiled: CompiledPackage;
  readonly captureOutcomes: readonly CaptureOutcome[];
}

export interface CompileRequest {
  readonly name: string;
  readonly version: string;
  /** The tree's sha256, or the digest of a linked directory. */
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  /** Paths inside the package, with `/`. */
  readonly entries: readonly string[];
  /** Whether to read from the code what it needs: where nothing is declared, and for whoever only looks. */
  readonly infer: boolean;
}

export interface CaptureRequest {
  readonly name: string;
  readonly version: string;
  readonly contentHash: string;
  readonly graph: ModuleGraph;
  readonly compiled: CompiledPackage;
}

/** What the host will show of a skill, and what is wrong with it. */
export interface InspectedSkill {
  /** Inside the package, with `/`. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** What an install needs of its neighbours; `cli/compose.ts` hands the implementations in. */
export interface InspectPorts {
  /** Compiles every entry. What does not compile is in `failures`, not an exception. */
  compile(request: CompileRequest, signal?: AbortSignal): Promise<CompiledPackage>;
  /** Names the tools that compile and capture: what they made is used again as long as they stay the same. */
  toolchain(): Promise<string>;
  /** Tells whether what was compiled is still there: it is derived, and may be deleted. */
  isCompiled(compiled: CompiledPackage): Promise<boolean>;
  /** Runs the factories without any permission, to learn what they register. What was compiled comes back with its code caches. */
  capture(request: CaptureRequest, signal?: AbortSignal): Promise<Build>;
  /** Something will be compiled and captured in a moment: a package of the store, or the directory that is linked. */
  prepareBuild(linked?: string): void;
  /** Reads skills; a skill that cannot be loaded has a diagnostic of severity `error`. */
  readSkills(dir: string, paths: readonly string[]): Promise<readonly InspectedSkill[]>;
}
