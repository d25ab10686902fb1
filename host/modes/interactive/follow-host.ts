import type { Host } from '../../host.ts';
import type { HostEvent } from '../../host-event.ts';
import { DEFAULTS } from '../../settings/settings-schema.ts';
import { bindEditorKeys } from './prompt-editor.ts';
import type { MainScreen } from './screen.ts';
import type { StatusFacts } from './status-facts.ts';
import type { StreamTerminal } from './terminal.ts';
import type { Palette } from './theme.ts';
import type { Themes } from './themes.ts';
import type { Transcript } from './transcript.ts';
import type { WorkingLine } from './working-line.ts';

export interface Followers {
  readonly host: Host;
  readonly terminal: StreamTerminal;
  readonly screen: MainScreen;
  readonly transcript: Transcript;
  readonly working: WorkingLine;
  readonly status: StatusFacts;
  readonly palette: Palette;
  readonly themes: Themes;
  /** What packages know of the screen is another. */
  readonly sceneChanged: () => void;
}

/** Shows what the host does, as it does it, until it is disposed of. */
export function followHost({ host, terminal, screen, transcript, working, status, palette, themes, sceneChanged }: Followers): Disposable {
  const readSettings = (): void => {
    palette.markdown.codeBlockIndent = host.settings.markdown?.codeBlockIndent ?? DEFAULTS.markdown.codeBlockIndent;
    bindEditorKeys(host.keys());
    themes.refresh();
  };
  const showProgress = (isWorking: boolean): void => {
    if (host.settings.terminal?.progress ?? DEFAULTS.terminal.progress) terminal.setProgress(isWorking);
  };
  const follow = (event: HostEvent): void => {
    transcript.follow(event);
    status.follow(event);
    switch (event.type) {
      case 'agent_start':
        working.start();
        showProgress(true);
        break;
      case 'queue_update':
        working.queue(event.steering, event.followUp);
        break;
      case 'session_changed':
        transcript.load(host.conversation.session.tree.path());
        screen.renew();
        break;
      case 'reload':
        readSettings();
        break;
      case 'agent_settled':
        working.stop();
        showProgress(false);
        transcript.trim();
        screen.painter.repair();
        break;
      default:
        break;
    }
    if (event.type !== 'message_update' && event.type !== 'tool_execution_update') sceneChanged();
    screen.refresh();
  };

  readSettings();
  transcript.load(host.conversation.session.tree.path());
  const unsubscribe = host.subscribe(follow);
  return {
    [Symbol.dispose]() {
      unsubscribe();
      working.stop();
      showProgress(false);
    },
  };
}
