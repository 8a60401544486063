//! Commands that several diagnostics advise: each is written once. They are shown and never
//! run.

/// On a host: attests now.
pub(super) const ATTEST: &str = "Test-HgsClientConfiguration";

/// On a node: renews the signer of health certificates (Troubleshoot the Host Guardian
/// Service, Time Drift).
pub(super) const RENEW_SIGNER: &str = r"Start-ScheduledTask -TaskPath \Microsoft\Windows\HGSServer -TaskName AttestationSignerCertRenewalTask";

/// Tells from where a machine has its time, and how far it is off.
pub(super) const SHOW_CLOCK: &str = "w32tm /query /status";

/// Sets the clock of a machine by its source.
pub(super) const SET_CLOCK: &str = "w32tm /resync";

/// On a host, elevated: makes its platform identifier.
pub(super) const MAKE_IDENTIFIER: &str =
    "(Get-PlatformIdentifier -Name 'HOST').InnerXml | Out-File HOST.xml -Encoding UTF8";

/// On a node: registers a host by its platform identifier.
pub(super) const REGISTER_HOST: &str = "Add-HgsAttestationTpmHost -Path HOST.xml";

/// The same in the registry of this program.
pub(super) const REGISTER_HERE: &str = "endorse register-host HOST.xml";

/// On a node: saves who has which privileges.
pub(super) const EXPORT_PRIVILEGES: &str = r"secedit /export /cfg C:\secpol.inf /areas USER_RIGHTS";

/// On a node: brings that back after it was edited.
pub(super) const IMPORT_PRIVILEGES: &str =
    r"secedit /configure /db C:\secpol.sdb /cfg C:\secpol.inf /areas USER_RIGHTS";

/// On a host: tells whether its TPM is ready, and whether it is locked out.
pub(super) const SHOW_TPM: &str = "Get-Tpm";
