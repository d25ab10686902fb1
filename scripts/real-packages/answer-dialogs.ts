import type { Json, RpcSession } from '../demo/rpc-session.ts';

const DIALOGS = ['select', 'confirm', 'input'];

/**
 * Answers what a session asks: a permission question with the label that is given, a choice with its first, everything
 * else with yes. Ends with the session, or when nothing is asked for a while.
 */
export async function answerDialogs(session: RpcSession, permissionAnswer: string, quietMs = 120_000): Promise<void> {
  const seen = new Set<Json>();
  const isOpen = (record: Json): boolean => record['type'] === 'extension_ui_request' && DIALOGS.includes(String(record['method'])) && !seen.has(record);
  for (;;) {
    const dialog = await session.wait(isOpen, 0, quietMs).catch(() => undefined);
    if (dialog === undefined) return;
    seen.add(dialog);
    const [first = ''] = (dialog['options'] as readonly string[] | undefined) ?? [];
    const value = dialog['permission'] === undefined ? first : permissionAnswer;
    session.tell({ type: 'extension_ui_response', id: dialog['id'], ...(dialog['method'] === 'confirm' ? { confirmed: true } : { value }) });
  }
}
