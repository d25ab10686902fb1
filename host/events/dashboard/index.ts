export interface ServeDashboardOptions {
  readonly dashHome: string;
  /** Default: a free one. */
  readonly port?: number;
}

export interface RunningDashboard {
  /** With the code that opens it, once. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves a page on 127.0.0.1 that shows what agents do, cost and are denied, and what was said. The server is loaded only
 * here. @throws {DashError} USAGE when the port is taken
 */
export async function serveDashboard(options: ServeDashboardOptions): Promise<RunningDashboard> {
  const { listen } = await import('./serve-dashboard.ts');
  return listen(options);
}
