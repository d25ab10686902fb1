import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { RetryPolicy } from '../loop/agent-loop.ts';
import type { EventBus } from '../bus/event-bus.ts';
import type { HostEvent } from '../host-event.ts';
import type { JsonValue, Usage } from '../model/messages.ts';
import type { ModelInfo, ModelPort } from '../model/port.ts';
import { CHARACTERS_PER_TOKEN, contextTokens } from '../session/context-usage.ts';
import { projectPath } from '../session/context.ts';
import { recordOf } from '../session/entry-record.ts';
import { type SessionEntry, toLine } from '../session/entry.ts';
import { type CompactionPlan, isCutPlace, planCompaction } from '../session/plan-compaction.ts';
import type { Session } from '../session/session.ts';
import { invokedSkills, type SkillAt, skillsAsText, withoutSkillTags } from '../session/invoked-skills.ts';
import { filesAsText, filesOf } from '../session/touched-files.ts';
import { type SummaryPorts, summarize } from './summarize.ts';

/** Who wants it: the user or a package, the size of the context, or a provider that refused the context. */
export type CompactionReason = 'manual' | 'threshold' | 'overflow';

export interface CompactionSettings {
  readonly enabled: boolean;
  /** Tokens of the window that are kept free for the answer. */
  readonly reserveTokens: number;
  /** Tokens of the newest messages that stay as they are. */
  readonly keepRecentTokens: number;
}

/** What a compaction did. */
export interface CompactionResult {
  readonly summary: string;
  readonly firstKeptEntryId: string;
  readonly tokensBefore: number;
  readonly estimatedTokensAfter: number;
  readonly usage?: Usage;
  readonly details?: JsonValue;
}

export interface CompactionRequest {
  readonly session: Session;
  readonly model: ModelInfo;
  readonly reason: CompactionReason;
  readonly instructions?: string;
  /** What stands in the context and is not the user's word: it stays known of the summary. */
  readonly sources: readonly string[];
  readonly signal: AbortSignal;
}

export interface BranchSummaryRequest {
  /** What is left behind. */
  readonly left: readonly SessionEntry[];
  readonly model: ModelInfo;
  readonly instructions: string | undefined;
  readonly instructionsAreAll: boolean;
  readonly sources: readonly string[];
  readonly signal: AbortSignal;
}

/** What a way through the tree leaves behind, as the entry that says it. */
export interface BranchSummary {
  readonly summary: string;
  readonly usage?: Usage;
  readonly details?: JsonValue;
}

export interface CompactorPorts {
  readonly skillAt: SkillAt;
  readonly models: ModelPort;
  readonly bus: EventBus;
  /** Asked for at every summary: the user may have changed it. */
  readonly retry: () => RetryPolicy;
  readonly settings: () => CompactionSettings;
  readonly emit: (event: HostEvent) => Promise<void>;
}

export interface Compactor {
  /** Whether the context of `session` is so large that the next answer may not fit. */
  isDue(session: Session, model: ModelInfo): boolean;
  /**
   * Puts a summary in the place of what is old in the context; the entries stay in the file. `undefined`: it was
   * stopped, a package did not want it, or there is nothing to leave out. Throws when the summary cannot be had.
   */
  compact(request: CompactionRequest): Promise<CompactionResult | undefined>;
  /** Sums up what a way through the tree leaves behind; `undefined`: it was stopped, or nothing was said there. Throws when it cannot be had. */
  summarizeBranch(request: BranchSummaryRequest): Promise<BranchSummary | undefined>;
}

/** Makes a compactor. */
export function createCompactor({ models, bus, retry, settings, skillAt, emit }: CompactorPorts): Compactor {
  const summaryPorts = (model: ModelInfo): SummaryPorts => ({
    models,
    model,
    attempts: retry().attempts,
    wait: (attempt, during) => wait(retry().baseDelayMs * 2 ** attempt, during),
  });
  const draft = async (request: CompactionRequest, plan: CompactionPlan): Promise<Draft | 'cancelled'> => {
    const { session, model, reason, instructions, sources, signal } = request;
    const path = session.tree.path();
    const {
      cancelled,
      value,
      by = '',
    } = await bus.before(
      {
        type: 'session_before_compact',
        preparation: preparationOf(plan, settings()),
        branchEntries: session.tree.branch().map(toLine),
        reason,
        willRetry: reason === 'overflow',
        ...(instructions === undefined ? {} : { customInstructions: instructions }),
      },
      signal,
    );
    if (cancelled || signal.aborted) return 'cancelled';
    if (Value.Check(FromPackage, value) && value.compaction !== undefined) {
      const { summary, firstKeptEntryId, details } = value.compaction;
      // A cut between a call and its result would make every later request invalid.
      if (!isCutPlace(path, firstKeptEntryId)) throw new Error(`a package wanted to keep the context from \`${firstKeptEntryId}\` on, where it cannot be cut`);
      const skills = skillsAsText(invokedSkills(plan.messages, plan.previousSummary, skillAt), skillRoom(model));
      return {
        summary: withoutSkillTags(summary) + skills,
        firstKeptEntryId,
        fromHook: true,
        origins: [`package:${by}`, ...sources],
        ...(details === undefined ? {} : { details }),
      };
    }
    const { text, usage } = await summarize(
      {
        messages: plan.messages,
        purpose: 'compaction',
        ...(plan.previousSummary === undefined ? {} : { previous: plan.previousSummary }),
        ...(instructions === undefined ? {} : { instructions }),
      },
      summaryPorts(model),
      signal,
    );
    if (signal.aborted) return 'cancelled';
    const skills = skillsAsText(invokedSkills(plan.messages, plan.previousSummary, skillAt), skillRoom(model));
    return {
      summary: withoutSkillTags(text) + skills + filesAsText(plan.files),
      firstKeptEntryId: plan.firstKeptEntryId,
      usage,
      details: plan.files,
      origins: sources,
    };
  };

  const write = (session: Session, { tokensBefore }: CompactionPlan, { fromHook, ...made }: Draft) => {
    const entry = session.append({ type: 'compaction', ...made, tokensBefore, ...(fromHook === true ? { fromHook } : {}) });
    session.sync();
    return { entry, result: { ...made, tokensBefore, estimatedTokensAfter: contextTokens(session.tree.path()) } };
  };

  return {
    isDue(session, model) {
      const { enabled, reserveTokens } = scaled(settings(), model);
      return enabled && contextTokens(session.tree.path()) > model.contextWindow - reserveTokens;
    },

    async summarizeBranch({ left, model, instructions, instructionsAreAll, sources, signal }) {
      const messages = projectPath(left.map(recordOf)).flatMap((one) => one.messages);
      if (messages.length === 0) return undefined;
      try {
        const { text, usage } = await summarize(
          { messages, purpose: 'branch', ...(instructions === undefined ? {} : { instructions, instructionsAreAll }) },
          summaryPorts(model),
          signal,
        );
        const files = filesOf(messages);
        return { summary: text + filesAsText(files), usage, details: files, origins: sources };
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    },

    async compact(request) {
      const { session, model, reason, signal } = request;
      const willRetry = reason === 'overflow';
      const path = session.tree.path();
      const plan = planCompaction(path, keepTokens(scaled(settings(), model), reason, contextTokens(path)));
      if (plan === undefined) {
        if (reason === 'manual') throw new Error('there is nothing in this conversation that could be summed up yet');
        return undefined;
      }
      await emit({ type: 'compaction_start', reason });
      let failure: string | undefined;
      try {
        const made = await draft(request, plan);
        if (made !== 'cancelled') {
          const { entry, result } = write(session, plan, made);
          await emit({ type: 'compaction_end', reason, result, aborted: false, willRetry });
          void bus.notify({ type: 'session_compact', compactionEntry: toLine(entry), fromExtension: made.fromHook === true, reason, willRetry });
          return result;
        }
      } catch (error) {
        if (!signal.aborted) failure = error instanceof Error ? error.message : String(error);
      }
      const failed = { reason, aborted: failure === undefined, willRetry: false, ...(failure === undefined ? {} : { errorMessage: failure }) };
      await emit({ type: 'compaction_end', result: undefined, ...failed });
      void bus.notify({ type: 'session_compact_failed', fromExtension: false, ...failed });
      if (failure !== undefined) throw new Error(`the conversation could not be summed up: ${failure}`);
      return undefined;
    },
  };
}

interface Draft {
  readonly origins: readonly string[];
  readonly summary: string;
  readonly firstKeptEntryId: string;
  readonly usage?: Usage;
  readonly details?: JsonValue;
  readonly fromHook?: true;
}

const FromPackage = Type.Object({
  compaction: Type.Optional(
    Type.Object({
      summary: Type.String({ minLength: 1 }),
      firstKeptEntryId: Type.String(),
      details: Type.Optional(Type.Unsafe<JsonValue>(Type.Unknown())),
    }),
  ),
});

/** A small window keeps its proportions: a quarter for the answer, three eighths for what is recent. */
function scaled(settings: CompactionSettings, { contextWindow }: ModelInfo): CompactionSettings {
  const reserveTokens = Math.min(settings.reserveTokens, Math.floor(contextWindow / 4));
  return { ...settings, reserveTokens, keepRecentTokens: Math.min(settings.keepRecentTokens, Math.floor((contextWindow - reserveTokens) / 2)) };
}

/** An eighth of the window, so that a compaction still makes room. */
function skillRoom({ contextWindow }: ModelInfo): number {
  return Math.floor((contextWindow * CHARACTERS_PER_TOKEN) / 8);
}

/** Who asks for it means it, however short the conversation is; what a provider refused has to become much shorter. */
function keepTokens({ keepRecentTokens }: CompactionSettings, reason: CompactionReason, tokens: number): number {
  return reason === 'threshold' ? keepRecentTokens : Math.min(keepRecentTokens, Math.floor(tokens / 2));
}

function preparationOf({ firstKeptEntryId, messages, previousSummary, tokensBefore, files }: CompactionPlan, settings: CompactionSettings): object {
  return {
    firstKeptEntryId,
    messagesToSummarize: messages,
    turnPrefixMessages: [],
    isSplitTurn: false,
    tokensBefore,
    ...(previousSummary === undefined ? {} : { previousSummary }),
    fileOps: { read: files.readFiles, written: [], edited: files.modifiedFiles },
    settings,
  };
}

async function wait(delayMs: number, signal: AbortSignal): Promise<void> {
  await sleep(delayMs, undefined, { signal }).catch(() => undefined);
}
