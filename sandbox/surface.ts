import { Type, type Static } from '@sinclair/typebox';
import { MAX_FRAME_LINES, MAX_LINE_CHARACTERS } from './surface-limits.ts';

/**
 * What a package draws with code: its component runs in the isolate and answers with lines, the front end keeps the last
 * ones and draws them when it likes. Nothing here is clean: who draws a line clips it and takes out what is no colour.
 */
const closed = { additionalProperties: false } as const;

const Lines = Type.Array(Type.String({ maxLength: MAX_LINE_CHARACTERS }), { maxItems: MAX_FRAME_LINES });

/** What a component drew for a width. The mark of its cursor may stand in a line. */
export const FrameSchema = Type.Object({ width: Type.Integer({ minimum: 1, maximum: 10_000 }), lines: Lines }, closed);
export type Frame = Static<typeof FrameSchema>;

const Size = Type.Union([Type.Integer({ minimum: 0, maximum: 10_000 }), Type.String({ pattern: '^\\d{1,3}(\\.\\d{1,4})?%$' })]);
const Offset = Type.Number({ minimum: -10_000, maximum: 10_000 });
const Side = Type.Optional(Offset);

/** Where an overlay stands, under pi's names. */
export const OverlayLayoutSchema = Type.Object(
  {
    width: Type.Optional(Size),
    minWidth: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
    maxHeight: Type.Optional(Size),
    anchor: Type.Optional(
      Type.Union(
        (['center', 'top-left', 'top-right', 'bottom-left', 'bottom-right', 'top-center', 'bottom-center', 'left-center', 'right-center'] as const).map(
          (anchor) => Type.Literal(anchor),
        ),
      ),
    ),
    offsetX: Side,
    offsetY: Side,
    row: Type.Optional(Size),
    col: Type.Optional(Size),
    margin: Type.Optional(Type.Union([Offset, Type.Object({ top: Side, right: Side, bottom: Side, left: Side }, closed)])),
    /** Opens without taking the focus. */
    nonCapturing: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type OverlayLayout = Static<typeof OverlayLayoutSchema>;

const Key = Type.String({ minLength: 1, maxLength: 256 });

/** Where a package draws or listens. The last two draw nothing. */
export const SurfacePlaceSchema = Type.Union([
  /** In the place of the editor, with the focus. */
  Type.Object({ kind: Type.Literal('custom') }, closed),
  Type.Object({ kind: Type.Literal('overlay'), layout: OverlayLayoutSchema }, closed),
  Type.Object({ kind: Type.Literal('header') }, closed),
  Type.Object({ kind: Type.Literal('footer') }, closed),
  Type.Object({ kind: Type.Literal('widget'), key: Key, placement: Type.Union([Type.Literal('aboveEditor'), Type.Literal('belowEditor')]) }, closed),
  /** The editor itself. */
  Type.Object({ kind: Type.Literal('editor') }, closed),
  /** Every key, before anybody else has it. */
  Type.Object({ kind: Type.Literal('keys') }, closed),
  /** What is suggested while the user types. */
  Type.Object(
    {
      kind: Type.Literal('completions'),
      /** Characters that bring suggestions at the beginning of a word. */
      triggers: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 8 }), { maxItems: 32 })),
    },
    closed,
  ),
]);
export type SurfacePlace = Static<typeof SurfacePlaceSchema>;

const EditorText = Type.String({ maxLength: 1_000_000 });

/** What a component says besides its frames. */
export const SurfaceSignalSchema = Type.Union([
  /** It threw, or drew more than a frame may hold. */
  Type.Object({ kind: Type.Literal('failed'), message: Type.String({ maxLength: 1_000 }) }, closed),
  /** Of an overlay. */
  Type.Object({ kind: Type.Literal('hidden'), hidden: Type.Boolean() }, closed),
  Type.Object({ kind: Type.Literal('focus') }, closed),
  Type.Object({ kind: Type.Literal('unfocus') }, closed),
  /** Whether whoever hears its keys wants to hear as well when they are let go. */
  Type.Object({ kind: Type.Literal('releases'), wanted: Type.Boolean() }, closed),
  /** Of an editor. */
  Type.Object({ kind: Type.Literal('change'), text: EditorText }, closed),
  Type.Object({ kind: Type.Literal('submit'), text: EditorText }, closed),
  /** A key bound to one of the front end's own actions, `app.…`. */
  Type.Object({ kind: Type.Literal('action'), action: Type.String({ pattern: '^app\\.[a-zA-Z.]{1,100}$' }) }, closed),
]);
export type SurfaceSignal = Static<typeof SurfaceSignalSchema>;

const Place = Type.Integer({ minimum: 0, maximum: 10_000_000 });
const Text = Type.String({ maxLength: 16_384 });

/** The text in an editor, as lines, and where its cursor stands. */
export const EditorStateSchema = Type.Object(
  { lines: Type.Array(Type.String({ maxLength: 1_000_000 }), { maxItems: 100_000 }), line: Place, column: Place, force: Type.Boolean() },
  closed,
);
export type EditorState = Static<typeof EditorStateSchema>;

const Completed = Type.Object({ lines: Type.Array(Type.String({ maxLength: 1_000_000 }), { maxItems: 100_000 }), line: Place, column: Place }, closed);

/** What may be written at the cursor; `applied` is the text with it, where that is more than the value for the prefix. */
export const SuggestionsSchema = Type.Object(
  {
    prefix: Text,
    items: Type.Array(Type.Object({ value: Text, label: Text, description: Type.Optional(Text), applied: Type.Optional(Completed) }, closed), {
      maxItems: 200,
    }),
  },
  closed,
);
export type Suggestions = Static<typeof SuggestionsSchema>;

/** What a component answers to a key: what it looks like now, unless that is as before. */
export const KeyAnswerSchema = Type.Object({ frame: Type.Optional(FrameSchema) }, closed);
export const InterceptAnswerSchema = Type.Object({ consume: Type.Optional(Type.Boolean()), data: Type.Optional(Type.String({ maxLength: 65_536 })) }, closed);
export type InterceptAnswer = Static<typeof InterceptAnswerSchema>;

/** A message, an entry or a tool call that a package draws itself, as pi hands it to the renderer. */
export type RenderSubject =
  | { readonly kind: 'message'; readonly customType: string; readonly message: unknown; readonly expanded: boolean; readonly outputPad: number }
  | { readonly kind: 'entry'; readonly customType: string; readonly entry: unknown; readonly expanded: boolean }
  /** Text that is about to be laid out as markdown. */
  | {
      readonly kind: 'markdown';
      readonly markdown: string;
      readonly messageType: 'user' | 'assistant' | 'assistant-thinking';
      readonly isStreaming: boolean;
    }
  | {
      readonly kind: 'tool';
      readonly name: string;
      readonly toolCallId: string;
      readonly args: unknown;
      /** Absent until there is something of it. */
      readonly result?: { readonly content: unknown; readonly details: unknown };
      readonly expanded: boolean;
      readonly isPartial: boolean;
      readonly isError: boolean;
      readonly executionStarted: boolean;
      readonly argsComplete: boolean;
      readonly showImages: boolean;
    };

/** Lines for one part of the subject; a part that its package leaves to the front end is absent. */
export const RenderedSchema = Type.Object(
  {
    /** A message, an entry, or the call of a tool. */
    lines: Type.Optional(Lines),
    result: Type.Optional(Lines),
    /** Text, where that was asked for. */
    markdown: Type.Optional(Type.String({ maxLength: 1_000_000 })),
  },
  closed,
);
export type Rendered = Static<typeof RenderedSchema>;

/** From the agent to a component: what it answers is the answer of the call. */
export type SurfaceInput =
  | { readonly kind: 'key'; readonly data: string }
  | { readonly kind: 'intercept'; readonly data: string }
  | ({ readonly kind: 'suggest' } & EditorState);

/** From the agent to a component, without an answer. */
export type SurfaceEvent =
  | { readonly kind: 'scene'; readonly scene: Scene }
  | { readonly kind: 'size'; readonly width: number }
  | { readonly kind: 'focus'; readonly focused: boolean }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'closed' };

/** A theme with nothing left to look up: hex colours, numbers of the 256, or "" for the terminal's own. */
export interface ThemeColors {
  readonly name: string;
  readonly colors: Readonly<Record<string, string | number>>;
  readonly mode: 'truecolor' | '256color';
}

/** What a component may know of the screen it stands on. */
export interface Scene {
  /** Another number whenever anything in it is another. */
  readonly version: number;
  readonly columns: number;
  readonly rows: number;
  readonly theme: ThemeColors;
  readonly themes: readonly string[];
  /** Keys by action, as the user bound them. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Whether keys arrive in the Kitty protocol. */
  readonly kittyKeys: boolean;
  readonly toolsExpanded: boolean;
  readonly branch: string | null;
  /** What packages say in the footer, by key. */
  readonly statuses: Readonly<Record<string, string>>;
  /** How many providers have models with credentials. */
  readonly providers: number;
}

/** One place on the screen that belongs to a package. What it draws is unclean, and may be wider than it was told. */
export interface RemoteSurface {
  readonly package: string;
  readonly place: SurfacePlace;
  /** The last frame; `undefined` until the first one came. */
  readonly frame: Frame | undefined;
  /** What is to be said in the place of the frame: the component failed. */
  readonly notice: string | undefined;
  /** Whether it hears when a key is let go, where the terminal tells. */
  readonly wantsReleases: boolean;
  /** Tells the component its width; a frame for it follows. */
  resize(width: number): void;
  /** Tells the component that something in the scene has changed. */
  sceneChanged(): void;
  /** Until it has the focus, no key reaches it. */
  focus(focused: boolean): void;
  /** One key for the component; resolves when it has dealt with it, and its new frame is here. */
  key(data: string): Promise<void>;
  /** Asks a listener to all keys; one that thinks too long is not waited for. */
  intercept(data: string): Promise<InterceptAnswer>;
  suggest(state: EditorState, signal: AbortSignal): Promise<Suggestions | undefined>;
  /** Writes the text of an editor. */
  setText(text: string): void;
  /** Takes it away, by the user's will. */
  close(): void;
}

/** What the front end is told of a surface that it shows. */
export interface SurfaceHandle {
  /** A new frame or notice is there. */
  drawn(): void;
  signal(signal: Exclude<SurfaceSignal, { kind: 'failed' | 'releases' }>): void;
  /** It is gone; `notice` says why where that was nobody's wish. */
  closed(notice: string | undefined): void;
}

/** The front end as packages draw on it. Where there is none they are told so, and go on without. */
export interface SurfacePort {
  scene(): Scene;
  open(surface: RemoteSurface): SurfaceHandle;
  /** What the editor suggests by itself. */
  complete(state: EditorState, signal: AbortSignal): Promise<Suggestions | undefined>;
  theme(name: string): ThemeColors | undefined;
  setTheme(name: string): boolean;
  /** What was drawn for a tool call is no longer what its package would draw. */
  stale(packageName: string, toolCallId: string): void;
}
