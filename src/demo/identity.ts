/** The only user and application of the demo issuer. The demo prints all of these values; none is a secret. */
export interface DemoIdentity {
  /** The `iss` claim: free text, as in FusionAuth. It need not be an address on which a server listens. */
  readonly issuer: string;
  /** The `aud` and `applicationId` claims. */
  readonly applicationId: string;
  /** The `tid` claim. */
  readonly tenantId: string;
  readonly apiKey: string;
  readonly user: {
    readonly id: string;
    readonly email: string;
    readonly username: string;
    readonly password: string;
    readonly roles: readonly string[];
  };
}

/** Issuer and application are those of FusionAuth's HAProxy walk-through. */
export const demoIdentity: DemoIdentity = {
  issuer: 'https://local.fusionauth.io',
  applicationId: '63b73f76-7400-487d-b122-5705b848da80',
  tenantId: '4f8b0d3a-6c1e-4a57-9d22-70c5e1b8a936',
  apiKey: 'portcullis-demo-api-key',
  user: {
    id: '1d6a2c94-83b7-4f0e-a5c1-92e47b60d3f8',
    email: 'bob@example.com',
    username: 'bob',
    password: 'demo-password',
    roles: ['user'],
  },
};
