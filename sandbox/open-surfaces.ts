import type { TSchema, Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { DashError } from '../format/index.ts';
import type { Lease } from './calls-in-flight.ts';
import { CapabilityFailure } from './define-capability.ts';
import type { CallAnswer, CallOptions } from './guest-session.ts';
import type { GuestCall } from './protocol.ts';
import { INTERCEPT_WAIT_MS, MAX_FRAMES_PER_SECOND, MAX_SURFACES, MAX_WAITING_KEYS, SURFACE_DEADLINE_MS } from './surface-limits.ts';
import {
  InterceptAnswerSchema,
  KeyAnswerSchema,
  SuggestionsSchema,
  type EditorState,
  type Frame,
  type InterceptAnswer,
  type RemoteSurface,
  type Suggestions,
  type SurfaceEvent,
  type SurfaceHandle,
  type SurfaceInput,
  type SurfacePlace,
  type SurfacePort,
  type SurfaceSignal,
} from './surface.ts';

export interface SurfacesOptions {
  readonly packageName: string;
  /** Nothing where nobody draws what packages draw. */
  readonly port: () => SurfacePort | undefined;
  /** Calls the guest, with a deadline that ends in the death of its process. */
  readonly call: (call: GuestCall, options: CallOptions) => Promise<CallAnswer>;
  /** Stops the clocks of the calls that wait for a person. */
  readonly pauseClocks: () => Disposable;
  /** The person pressed a key in a panel: what was worked before it was for them. */
  readonly attended: () => void;
  readonly now?: () => number;
}

export interface Opening {
  /** The guest's number for it. */
  readonly id: number;
  readonly place: SurfacePlace;
  /** In what it was asked for: what its keys set going goes back to the same message of the user. */
  readonly lease: Pick<Lease, 'origin' | 'delegation'>;
  /** Fires when the guest takes it away, or is gone. */
  readonly signal: AbortSignal;
  readonly tell: (event: SurfaceEvent) => void;
  /** Whether the package may still draw here: what was taken back counts for the next key and the next frame. */
  readonly isAllowed: () => boolean;
}

/** Everything that one run of a package has on the screen. */
export class OpenSurfaces {
  readonly #options: SurfacesOptions;
  readonly #open = new Map<number, OpenSurface>();

  constructor(options: SurfacesOptions) {
    this.#options = options;
  }

  /** Whether something of it has the user's attention: it must answer then. */
  get hasPanel(): boolean {
    return [...this.#open.values()].some(({ place }) => isPanel(place));
  }

  /** @throws {CapabilityFailure} NOT_DRAWN where nothing is drawn, SANDBOX_BUDGET */
  port(): SurfacePort {
    const port = this.#options.port();
    if (port === undefined) throw new CapabilityFailure({ code: 'NOT_DRAWN', message: 'NOT_DRAWN: nothing that a package draws is shown here' });
    return port;
  }

  /** @throws {CapabilityFailure} NOT_DRAWN, SANDBOX_BUDGET, EINVAL */
  open(opening: Opening): void {
    const port = this.port();
    if (this.#open.size >= MAX_SURFACES) throw new CapabilityFailure({ code: 'SANDBOX_BUDGET', message: `more than ${MAX_SURFACES} panels and widgets` });
    if (this.#open.has(opening.id)) throw new CapabilityFailure({ code: 'EINVAL', message: 'this surface is open' });
    const surface = new OpenSurface(opening, this.#options, () => this.#open.delete(opening.id));
    this.#open.set(opening.id, surface);
    surface.show(port);
  }

  /** A frame that the component drew by itself. `false`: nobody looks any more. */
  draw(id: number, frame: Frame): boolean {
    const surface = this.#open.get(id);
    surface?.draw(frame);
    return surface !== undefined;
  }

  signal(id: number, signal: SurfaceSignal): void {
    this.#open.get(id)?.heard(signal);
  }
}

class OpenSurface implements RemoteSurface {
  readonly place: SurfacePlace;
  readonly #opening: Opening;
  readonly #options: SurfacesOptions;
  readonly #remove: () => void;
  readonly #rate: FrameRate;
  #handle: SurfaceHandle | undefined;
  #clocks: Disposable | undefined;
  #frame: Frame | undefined;
  #notice: string | undefined;
  #focused = false;
  #wantsReleases = false;
  #closed = false;
  #waitingKeys = 0;

  constructor(opening: Opening, options: SurfacesOptions, remove: () => void) {
    this.#opening = opening;
    this.#options = options;
    this.#remove = remove;
    this.place = opening.place;
    this.#rate = new FrameRate(options.now ?? (() => performance.now()));
  }

  get package(): string {
    return this.#options.packageName;
  }

  get frame(): Frame | undefined {
    return this.#frame;
  }

  get notice(): string | undefined {
    return this.#notice;
  }

  get wantsReleases(): boolean {
    return this.#wantsReleases;
  }

  show(port: SurfacePort): void {
    const { signal } = this.#opening;
    this.#waitForPerson();
    this.#handle = port.open(this);
    signal.addEventListener('abort', () => this.#end(signal.reason instanceof DashError ? signal.reason.message : undefined), { once: true });
  }

  resize(width: number): void {
    this.#tell({ kind: 'size', width });
  }

  sceneChanged(): void {
    const port = this.#options.port();
    if (port !== undefined) this.#tell({ kind: 'scene', scene: port.scene() });
  }

  focus(focused: boolean): void {
    if (this.#focused === focused) return;
    this.#focused = focused;
    this.#tell({ kind: 'focus', focused });
  }

  setText(text: string): void {
    this.#tell({ kind: 'text', text });
  }

  async key(data: string): Promise<void> {
    // Whatever a front end gets wrong: who has no focus hears no keys.
    if (!this.#focused || this.#waitingKeys >= MAX_WAITING_KEYS || !this.#mayGoOn()) return;
    this.#waitingKeys++;
    if (isPanel(this.place)) this.#options.attended();
    try {
      const answer = await this.#ask({ kind: 'key', data }, KeyAnswerSchema);
      if (answer?.frame !== undefined) this.draw(answer.frame);
    } finally {
      this.#waitingKeys--;
    }
  }

  async intercept(data: string): Promise<InterceptAnswer> {
    if (this.place.kind !== 'keys' || this.#waitingKeys >= MAX_WAITING_KEYS || !this.#mayGoOn()) return {};
    this.#waitingKeys++;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<InterceptAnswer>((resolve) => {
      timer = setTimeout(() => resolve({}), INTERCEPT_WAIT_MS);
    });
    const answered = this.#ask({ kind: 'intercept', data }, InterceptAnswerSchema).finally(() => this.#waitingKeys--);
    try {
      return (await Promise.race([answered, tooLate])) ?? {};
    } finally {
      clearTimeout(timer);
    }
  }

  async suggest(state: EditorState, signal: AbortSignal): Promise<Suggestions | undefined> {
    if (!this.#mayGoOn()) return undefined;
    return this.#ask({ kind: 'suggest', ...state }, SuggestionsSchema, signal);
  }

  close(): void {
    this.#tell({ kind: 'closed' });
    this.#end(undefined);
  }

  draw(frame: Frame): void {
    if (this.#closed || !this.#mayGoOn()) return;
    const pace = this.#rate.next();
    if (pace === 'flood') return this.#fail('drew without a pause and was closed');
    if (pace === 'dropped') return;
    this.#frame = frame;
    this.#notice = undefined;
    this.#handle?.drawn();
  }

  heard(signal: SurfaceSignal): void {
    if (this.#closed) return;
    if (signal.kind === 'failed') return this.#say(`${this.package}: ${signal.message}`);
    if (signal.kind === 'releases') {
      this.#wantsReleases = signal.wanted;
      return;
    }
    if (signal.kind === 'hidden') {
      if (signal.hidden) this.#clocks?.[Symbol.dispose]();
      else this.#waitForPerson();
    }
    this.#handle?.signal(signal);
  }

  /** A tool may wait for its panel as long as the person does who sits before it; not before what nobody sees. */
  #waitForPerson(): void {
    this.#clocks?.[Symbol.dispose]();
    if (isPanel(this.place)) this.#clocks = this.#options.pauseClocks();
  }

  /** Asks the component; where it throws, that is said in the place of its frame. */
  async #ask<S extends TSchema>(input: SurfaceInput, schema: S, signal?: AbortSignal): Promise<Static<S> | undefined> {
    const { id, lease } = this.#opening;
    const { origin, delegation } = lease;
    try {
      const answer = await this.#options.call(
        { op: 'surface', surface: id, input },
        { context: TERMINAL, timeoutMs: SURFACE_DEADLINE_MS, delegation, ...(origin && { origin }), ...(signal && { signal }) },
      );
      if ('error' in answer) this.#say(`${this.package}: ${answer.error.message}`);
      else if (Value.Check(schema, answer.value)) return answer.value;
      else if (answer.value !== undefined && answer.value !== null) this.#say(`${this.package} answered a key with something that cannot be read`);
    } catch (error) {
      // It was ended over this, or aborted; whoever shows the surface has been told.
      if (!(error instanceof DashError)) throw error;
    }
    return undefined;
  }

  #mayGoOn(): boolean {
    if (this.#closed) return false;
    if (this.#opening.isAllowed()) return true;
    this.#fail('may no longer draw here');
    return false;
  }

  #say(notice: string): void {
    if (this.#closed) return;
    this.#notice = notice;
    this.#handle?.drawn();
  }

  #fail(why: string): void {
    this.#tell({ kind: 'closed' });
    this.#end(`${this.package} ${why}`);
  }

  #tell(event: SurfaceEvent): void {
    if (!this.#closed) this.#opening.tell(event);
  }

  #end(notice: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#remove();
    this.#clocks?.[Symbol.dispose]();
    this.#handle?.closed(notice);
  }
}

const TERMINAL = { mode: 'tui', hasUI: true } as const;

/** Whether it stands between the user and everything else. */
function isPanel(place: SurfacePlace): boolean {
  return place.kind === 'custom' || (place.kind === 'overlay' && place.layout.nonCapturing !== true);
}

/** Counts frames in windows of one second: a few too many are dropped, ten times too many are no drawing. */
class FrameRate {
  readonly #now: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  next(): 'drawn' | 'dropped' | 'flood' {
    const now = this.#now();
    if (now - this.#since > 1_000) [this.#since, this.#count] = [now, 0];
    this.#count++;
    if (this.#count > MAX_FRAMES_PER_SECOND * 10) return 'flood';
    return this.#count > MAX_FRAMES_PER_SECOND ? 'dropped' : 'drawn';
  }
}
