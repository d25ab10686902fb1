/**
 * Why the service refuses a request: an HTTP status and the sentence npm clients show to the user.
 * It never leaves `registry/serve/`: the app turns it into a reply.
 */
export class RegistryRefusal extends Error {
  override readonly name = 'RegistryRefusal';
  readonly status: 400 | 401 | 403 | 404 | 413 | 415 | 421 | 502;

  constructor(status: RegistryRefusal['status'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
