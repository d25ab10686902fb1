import type { Component } from '@earendil-works/pi-tui';
import { describeExtensionError } from '../../describe-extension-error.ts';
import type { HostEvent } from '../../host-event.ts';
import type { RenderSubject } from '../../../sandbox/index.ts';
import { type AssistantMessage, type ImageContent, textOf } from '../../model/messages.ts';
import { messagesOf } from '../../session/context.ts';
import type { SessionPath } from '../../session/entry-record.ts';
import type { AgentMessage } from '../../loop/transcript.ts';
import type { ToolAnswer } from '../../loop/tool-call.ts';
import type { BashResult } from '../../user-bash.ts';
import { AnswerBlock, ThinkingBlock } from './blocks/answer-block.ts';
import { ImageBlock } from './blocks/image-block.ts';
import { RemoteBlock } from './blocks/remote-block.ts';
import { NoticeBlock, type Tone, UserBlock } from './blocks/text-block.ts';
import { ToolBlock } from './blocks/tool-block.ts';
import type { KeyOf } from './key-of.ts';
import { type Drawer, type FindDrawer, RemoteDrawing } from './remote-drawing.ts';
import { type FindTransformers, NO_TRANSFORMERS, Reshaping, type TextKind } from './reshaped-text.ts';
import type { Palette } from './theme.ts';

/** Entries of a session that are shown when it is opened; pieces that are kept while it goes on; output of a command at work. */
const MAX_ENTRIES = 1000;
const MAX_PARTS = 2000;
const MAX_OUTPUT = 20_000;

/** As long after each other as what one end takes with it is told. */
const SAME_END_MS = 1_000;

/** What was said and done, as pieces of the screen. */
export class Transcript {
  readonly #palette: Palette;
  readonly #keyOf: KeyOf;
  #parts: Component[] = [];
  readonly #calls = new Map<string, ToolBlock>();
  /** The blocks of the answer that is being given, by their place in it. */
  #answer: (AnswerBlock | ThinkingBlock | ToolBlock)[] = [];
  #command: ToolBlock | undefined;
  #failure: NoticeBlock | undefined;
  #output = '';
  /** Why something ended a moment ago. */
  readonly #told = new Set<string>();
  #toolsAreOpen = false;
  #thinkingIsOpen = true;
  #thinkingLabel: string | undefined;

  #findDrawer: FindDrawer = () => undefined;
  #findTransformers = NO_TRANSFORMERS;
  #refresh: () => void = () => undefined;

  constructor(palette: Palette, keyOf: KeyOf) {
    this.#palette = palette;
    this.#keyOf = keyOf;
  }

  /** Has packages draw what is theirs. */
  drawWith(findDrawer: FindDrawer, findTransformers: FindTransformers, refresh: () => void): void {
    this.#findDrawer = findDrawer;
    this.#findTransformers = findTransformers;
    this.#refresh = refresh;
  }

  get parts(): readonly Component[] {
    return this.#parts;
  }

  /** Shows a conversation; of a long one its end. */
  load(path: SessionPath): void {
    this.#parts = [];
    this.#calls.clear();
    if (path.length > MAX_ENTRIES) this.notice(`${path.length - MAX_ENTRIES} earlier entries are not shown; \`/export\` writes all of them`, 'muted');
    for (const record of path.slice(-MAX_ENTRIES)) {
      const entry = record.load();
      this.#entry(entry);
      for (const message of messagesOf(entry)) {
        this.#begin(message);
        this.#end(message);
      }
    }
  }

  /** Forgets what is far above: the terminal has it, and the session. Something that goes on all day stays small. */
  trim(): void {
    if (this.#parts.length <= 2 * MAX_PARTS) return;
    this.#parts = this.#parts.slice(-MAX_PARTS);
    for (const [id, call] of this.#calls) if (!this.#parts.includes(call)) this.#calls.delete(id);
  }

  /** A command that the user runs themselves. */
  beginsCommand(command: string, isKept = false): void {
    this.#command = new ToolBlock(isKept ? '!!' : '!', this.#palette, { isOpen: this.#toolsAreOpen, keyOf: this.#keyOf });
    this.#command.setArguments({ command });
    this.#command.runs();
    this.#parts.push(this.#command);
    this.#output = '';
  }

  /** It ended; without a result it never ran. */
  endsCommand(result?: Pick<BashResult, 'output' | 'exitCode' | 'cancelled'>): void {
    if (result === undefined) this.#command?.ends(textAnswer('it did not run', true));
    else this.#command?.ends(textAnswer([result.output, howItEnded(result)].filter((part) => part !== '').join('\n'), result.exitCode !== 0));
    this.#command = undefined;
  }

  follow(event: HostEvent): void {
    switch (event.type) {
      case 'message_start':
        return this.#begin(event.message);
      case 'message_update':
        return this.#sync(event.message);
      case 'message_end':
        return event.message.role === 'toolResult' ? undefined : this.#end(event.message);
      case 'tool_execution_start':
        return this.#call(event.toolCallId, event.toolName, (call) => {
          call.setArguments(event.args);
          call.runs();
        });
      case 'tool_execution_update':
        return this.#call(event.toolCallId, event.toolName, (call) => call.runs(event.partialResult));
      case 'tool_execution_end':
        return this.#result(event.toolCallId, event.toolName, event.result);
      case 'entry_appended':
        return this.#entry(event.entry);
      case 'bash_execution_update':
        this.#output = (this.#output + event.delta).slice(-MAX_OUTPUT);
        return this.#command?.runs(textAnswer(this.#output, false));
      case 'compaction_start':
        return this.notice('summing up what is old …', 'muted');
      case 'compaction_end':
        if (event.errorMessage !== undefined) return this.notice(`it could not be summed up: ${event.errorMessage}`, 'error');
        return event.result === undefined ? undefined : this.notice(`summed up ${event.result.tokensBefore} tokens`, 'muted');
      case 'model_failover':
        return this.notice(`${event.from.provider}/${event.from.id} does not answer; ${event.to.provider}/${event.to.id} does`, 'warning');
      case 'auto_retry_start':
        // What failed in passing is said once, with what is done about it.
        this.#parts = this.#parts.filter((part) => part !== this.#failure);
        return this.notice(`${event.errorMessage}; again in ${Math.ceil(event.delayMs / 1000)} s, ${event.attempt} of ${event.maxAttempts}`, 'warning');
      case 'extension_error':
        return this.#told.has(event.error) ? undefined : this.notice(describeExtensionError(event), 'error');
      case 'error':
        return this.notice(`${event.message}${event.hint === undefined ? '' : `\nhint: ${event.hint}`}`, 'error');
      case 'permission_denied':
        return this.notice(`not allowed: ${event.tool} ${event.target} (${event.rule})`, 'warning');
      default:
        return undefined;
    }
  }

  notice(text: string, tone: Tone, by?: string): void {
    this.#parts.push(new NoticeBlock(text, tone, this.#palette, by));
  }

  /**
   * Why something of a package went away by itself. One end takes all that it has on the screen, and whatever waited for that:
   * it is told once.
   */
  ends(why: string): void {
    if (this.#told.has(why)) return;
    this.#told.add(why);
    setTimeout(() => this.#told.delete(why), SAME_END_MS).unref();
    this.notice(why, 'warning');
  }

  get toolsAreOpen(): boolean {
    return this.#toolsAreOpen;
  }

  /** One call that its package would draw differently now. */
  redraw(toolCallId: string): void {
    this.#calls.get(toolCallId)?.invalidate();
  }

  /** Folds or unfolds what tools answered. */
  toggleTools(areOpen = !this.#toolsAreOpen): void {
    this.#toolsAreOpen = areOpen;
    for (const part of this.#parts) if (part instanceof ToolBlock || part instanceof RemoteBlock) part.open(this.#toolsAreOpen);
  }

  /** What stands in the place of a thought that is folded; a package may set it. */
  labelThinking(label: string | undefined): void {
    this.#thinkingLabel = label;
    for (const part of this.#parts) if (part instanceof ThinkingBlock) part.setLabel(label);
  }

  /** Folds or unfolds what models thought. */
  toggleThinking(): void {
    this.#thinkingIsOpen = !this.#thinkingIsOpen;
    for (const part of this.#parts) if (part instanceof ThinkingBlock) part.open(this.#thinkingIsOpen);
  }

  /** Everything is drawn anew. */
  invalidate(): void {
    for (const part of this.#parts) part.invalidate();
  }

  #begin(message: AgentMessage): void {
    switch (message.role) {
      case 'user':
        this.#parts.push(this.#userBlock(textOf(message.content)), ...this.#imagesIn(message.content));
        return;
      case 'assistant':
        this.#answer = [];
        return this.#sync(message);
      case 'custom':
        return message.display ? this.#custom(message) : undefined;
      case 'toolResult':
        return this.#result(message.toolCallId, message.toolName, message);
      case 'bashExecution':
        this.beginsCommand(message.command, message.excludeFromContext);
        return this.endsCommand(message);
      case 'branchSummary':
        return this.notice(`what was found out on a branch:\n${message.summary}`, 'muted');
      case 'compactionSummary':
        return this.notice(`what was said before, summed up:\n${message.summary}`, 'muted');
      case 'system':
        return undefined;
    }
  }

  #custom(message: AgentMessage & { role: 'custom' }): void {
    const { customType, package: owner } = message;
    const fallback = new NoticeBlock(`[${customType}] ${textOf(message.content)}`, 'info', this.#palette, owner);
    const drawer = this.#findDrawer('message', customType, owner);
    if (drawer === undefined) this.#parts.push(fallback);
    else this.#drawn(drawer, (expanded) => ({ kind: 'message', customType, message, expanded, outputPad: 1 }), fallback);
  }

  /** What a package kept in the session is shown where the same package draws it. */
  #entry(entry: { readonly type?: unknown; readonly customType?: unknown; readonly package?: unknown }): void {
    const { type, customType, package: owner } = entry;
    if (type !== 'custom' || typeof customType !== 'string' || typeof owner !== 'string') return;
    const drawer = this.#findDrawer('entry', customType, owner);
    if (drawer !== undefined) this.#drawn(drawer, (expanded) => ({ kind: 'entry', customType, entry, expanded }));
  }

  #drawn(drawer: Drawer, subject: (expanded: boolean) => RenderSubject, fallback?: Component): void {
    const block: RemoteBlock = new RemoteBlock({ drawing: this.#drawing(drawer, () => block.drawAgain()), subject, fallback, isOpen: this.#toolsAreOpen });
    this.#parts.push(block);
  }

  #drawing(drawer: Drawer, drawAgain: () => void): RemoteDrawing {
    const changed = (): void => {
      drawAgain();
      this.#refresh();
    };
    return new RemoteDrawing({ drawer, palette: this.#palette, changed });
  }

  #toolBlock(toolCallId: string, name: string): ToolBlock {
    const block = new ToolBlock(name, this.#palette, { isOpen: this.#toolsAreOpen, keyOf: this.#keyOf });
    const drawer = this.#findDrawer('tool', name);
    if (drawer !== undefined) block.drawnBy({ drawing: this.#drawing(drawer, () => block.drawAgain()), name: drawer.name, toolCallId });
    this.#calls.set(toolCallId, block);
    return block;
  }

  #end(message: AgentMessage): void {
    if (message.role !== 'assistant') return;
    this.#sync(message, false);
    if (message.stopReason === 'aborted') this.notice('stopped', 'muted');
    else if (message.errorMessage !== undefined) {
      this.#failure = new NoticeBlock(message.errorMessage, 'error', this.#palette);
      this.#parts.push(this.#failure);
    }
  }

  #sync({ content }: AssistantMessage, isStreaming = true): void {
    content.forEach((piece, index) => {
      const known = this.#answer[index];
      switch (piece.type) {
        case 'text': {
          const block = known instanceof AnswerBlock ? known : this.#add(index, this.#answerBlock());
          return block.setText(piece.text, isStreaming);
        }
        case 'thinking': {
          const block = known instanceof ThinkingBlock ? known : this.#add(index, this.#thinkingBlock());
          return block.setText(piece.thinking, isStreaming);
        }
        case 'toolCall': {
          if (known === undefined) {
            this.#add(index, this.#toolBlock(piece.id, piece.name));
          }
          return this.#calls.get(piece.id)?.setArguments(piece.arguments);
        }
      }
    });
  }

  #userBlock(text: string): UserBlock {
    const block: UserBlock = new UserBlock(
      text,
      this.#palette,
      this.#reshaping('user', () => block.drawAgain()),
    );
    return block;
  }

  #answerBlock(): AnswerBlock {
    const block: AnswerBlock = new AnswerBlock(
      this.#palette,
      this.#reshaping('assistant', () => block.drawAgain()),
    );
    return block;
  }

  #thinkingBlock(): ThinkingBlock {
    const block: ThinkingBlock = new ThinkingBlock(
      this.#palette,
      { isOpen: this.#thinkingIsOpen, label: this.#thinkingLabel, keyOf: this.#keyOf },
      this.#reshaping('assistant-thinking', () => block.drawAgain()),
    );
    return block;
  }

  #reshaping(kind: TextKind, drawAgain: () => void): Reshaping {
    const changed = (): void => {
      drawAgain();
      this.#refresh();
    };
    return new Reshaping({ find: () => this.#findTransformers(), kind, palette: this.#palette, changed });
  }

  #add<Kind extends AnswerBlock | ThinkingBlock | ToolBlock>(index: number, block: Kind): Kind {
    this.#answer[index] = block;
    this.#parts.push(block);
    return block;
  }

  #result(id: string, name: string, answer: Pick<ToolAnswer, 'content' | 'details' | 'isError'>): void {
    this.#call(id, name, (call) => {
      call.ends(answer);
      // Right below their call: others may have begun since.
      this.#parts.splice(this.#parts.indexOf(call) + 1, 0, ...this.#imagesIn(answer.content));
    });
  }

  #imagesIn(content: string | readonly { readonly type: string }[]): ImageBlock[] {
    return typeof content === 'string' ? [] : content.filter(isImage).map((image) => new ImageBlock(image, this.#palette, () => this.#refresh()));
  }

  #call(id: string, name: string, change: (call: ToolBlock) => void): void {
    let call = this.#calls.get(id);
    if (call === undefined) {
      call = this.#toolBlock(id, name);
      this.#parts.push(call);
    }
    change(call);
  }
}

function isImage(piece: { readonly type: string }): piece is ImageContent {
  return piece.type === 'image';
}

/** Nothing where it went well. */
function howItEnded({ exitCode, cancelled }: Pick<BashResult, 'exitCode' | 'cancelled'>): string {
  if (exitCode === 0) return '';
  return exitCode === undefined ? (cancelled ? '[stopped]' : '[ended by a signal]') : `[exit code ${exitCode}]`;
}

function textAnswer(text: string, isError: boolean): { readonly content: [{ readonly type: 'text'; readonly text: string }]; readonly isError: boolean } {
  return { content: [{ type: 'text', text }], isError };
}
