/**
 * The interactive mode: a person at a terminal. For whoever builds on it:
 *
 * - {@link Screen} (`screen.ts`) is where things stand. `show(slot, component)` puts a component into `header`,
 *   `aboveEditor`, `belowEditor` or `footer` until the result is disposed of; with `{ package }` it is a surface of that
 *   package and hidden while a question of Dash's own is open. `modal(done => component)` opens a panel in the place of the
 *   editor and answers what `done` was called with; panels come one at a time. `ask({ component, keys })` is a question of
 *   Dash's own: before every panel, its keys judged by `key-gate.ts`.
 * - A component is pi-tui's: `render(width)` gives lines, `handleInput(data)` takes keys. One that gives the *same array*
 *   as before says that nothing changed and costs nothing; `blocks/block.ts` does that. Whatever it draws goes through
 *   `safeLine` in `painter.ts`; nobody else has to clean or cut lines.
 * - {@link Transcript} (`transcript.ts`) is what was said; `notice(text, tone)` adds a line of Dash's own.
 * - {@link Palette} (`theme.ts`) colours: `fg('accent', text)`; it stays the same object when the theme changes, and
 *   `invalidate()` reaches every component.
 */
export { runInteractive } from './run-interactive.ts';
export type { HeldPermission, Household, WaitingUpdate } from './household.ts';
