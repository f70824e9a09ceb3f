"""Keys, passwords and MFA devices through boto3."""

import io

import pytest

from millpond.services.iam import totp
from tests.api.aws_world import allow, deny, document, refused

GOOD = "Correct-horse-battery-9"


class TestAccessKeys:
    def test_the_secret_is_shown_once_and_works(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        made = client.create_access_key(UserName="ann")["AccessKey"]
        assert (made["AccessKeyId"][:4], len(made["SecretAccessKey"]), made["Status"]) == ("AKIA", 40, "Active")
        listed = client.list_access_keys(UserName="ann")["AccessKeyMetadata"]
        assert [each["AccessKeyId"] for each in listed] == [made["AccessKeyId"]]
        assert "SecretAccessKey" not in listed[0]

    def test_two_keys_at_most(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        for _ in range(2):
            client.create_access_key(UserName="ann")
        with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
            client.create_access_key(UserName="ann")

    def test_an_inactive_key_is_refused_from_the_next_request_on(self, world):
        credentials = world.user("ann")
        key = credentials["aws_access_key_id"]
        world.client("sts", credentials).get_caller_identity()
        world.client("iam").update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive")
        with refused("InvalidClientTokenId"):
            world.client("sts", credentials).get_caller_identity()
        world.client("iam").update_access_key(UserName="ann", AccessKeyId=key, Status="Active")
        world.client("sts", credentials).get_caller_identity()
        world.client("iam").delete_access_key(UserName="ann", AccessKeyId=key)
        with refused("InvalidClientTokenId"):
            world.client("sts", credentials).get_caller_identity()

    def test_another_users_key_is_out_of_reach(self, world):
        client = world.client("iam")
        key = world.user("ann")["aws_access_key_id"]
        world.user("beth")
        with refused("NoSuchEntity", f"The Access Key with id {key} cannot be found."):
            client.delete_access_key(UserName="beth", AccessKeyId=key)

    async def test_the_last_use_is_written_down_by_the_upkeep(self, world):
        credentials = world.user("ann", allow("iam:ListUsers"))
        key = credentials["aws_access_key_id"]
        client = world.client("iam")
        assert client.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]["ServiceName"] == "N/A"
        world.client("iam", credentials).list_users()
        await world.upkeep()
        used = client.get_access_key_last_used(AccessKeyId=key)
        assert used["UserName"] == "ann"
        assert (used["AccessKeyLastUsed"]["ServiceName"], used["AccessKeyLastUsed"]["Region"]) == ("iam", "us-east-1")
        assert "LastUsedDate" in used["AccessKeyLastUsed"]

    def test_roots_keys_are_under_the_account(self, world):
        root = world.client("iam", world.root())
        key = root.create_access_key()["AccessKey"]
        assert len(root.list_access_keys()["AccessKeyMetadata"]) == 2
        credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        assert world.client("sts", credentials).get_caller_identity()["Arn"].endswith(":root")


class TestOtherKinds:
    def test_kinds_that_are_not_made_here_are_listed_as_none(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        assert client.list_ssh_public_keys(UserName="ann")["SSHPublicKeys"] == []
        assert client.list_signing_certificates(UserName="ann")["Certificates"] == []
        assert client.list_service_specific_credentials(UserName="ann")["ServiceSpecificCredentials"] == []
        assert client.list_server_certificates()["ServerCertificateMetadataList"] == []
        with refused("NoSuchEntity"):
            client.list_ssh_public_keys(UserName="nobody")


class TestPasswords:
    def test_a_login_profile_is_made_once(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        made = client.create_login_profile(UserName="ann", Password=GOOD, PasswordResetRequired=True)["LoginProfile"]
        assert made["PasswordResetRequired"]
        with refused("EntityAlreadyExists", "Login Profile for user ann already exists."):
            client.create_login_profile(UserName="ann", Password=GOOD)
        client.delete_login_profile(UserName="ann")
        with refused("NoSuchEntity"):
            client.get_login_profile(UserName="ann")

    @pytest.mark.parametrize("weak", ["short1A", "onlysmallletters", "ONLYCAPITALS123"])
    def test_a_weak_password_is_refused_without_any_policy_of_the_account(self, world, weak):
        client = world.client("iam")
        client.create_user(UserName="ann")
        with refused("PasswordPolicyViolation"):
            client.create_login_profile(UserName="ann", Password=weak)

    def test_the_accounts_policy_is_held(self, world):
        client = world.client("iam")
        client.create_user(UserName="ann")
        client.update_account_password_policy(
            MinimumPasswordLength=10, RequireSymbols=True, PasswordReusePrevention=1, MaxPasswordAge=90
        )
        policy = client.get_account_password_policy()["PasswordPolicy"]
        assert (policy["ExpirePasswords"], policy["MaxPasswordAge"], policy["RequireNumbers"]) == (True, 90, False)
        with refused("PasswordPolicyViolation", "minimum length of 10"):
            client.create_login_profile(UserName="ann", Password="Short-1")
        with refused("PasswordPolicyViolation", "at least one symbol"):
            client.create_login_profile(UserName="ann", Password="Correcthorse1")
        client.create_login_profile(UserName="ann", Password=GOOD)
        with refused("PasswordPolicyViolation", "used before"):
            client.update_login_profile(UserName="ann", Password=GOOD)
        client.delete_account_password_policy()
        with refused("NoSuchEntity"):
            client.get_account_password_policy()

    def test_users_change_their_own_password_knowing_the_old_one(self, world):
        client = world.client("iam")
        credentials = world.user("ann", allow("iam:ChangePassword", on="arn:aws:iam::*:user/${aws:username}"))
        client.create_login_profile(UserName="ann", Password=GOOD)
        as_ann = world.client("iam", credentials)
        with refused("AccessDenied"):
            as_ann.change_password(OldPassword="wrong-Password-1", NewPassword="New-password-2")
        as_ann.change_password(OldPassword=GOOD, NewPassword="New-password-2")
        with refused("AccessDenied"):
            as_ann.change_password(OldPassword=GOOD, NewPassword="New-password-3")


class TestMfaDevices:
    def made(self, world, name="phone"):
        device = world.client("iam").create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        return device["SerialNumber"], device["Base32StringSeed"].decode(), device["QRCodePNG"]

    def enable(self, world, serial, seed, *, ahead=0):
        step = totp.step_at(world.clock.now()) + ahead
        world.client("iam").enable_mfa_device(
            UserName="ann",
            SerialNumber=serial,
            AuthenticationCode1=totp.code_at(seed, step),
            AuthenticationCode2=totp.code_at(seed, step + 1),
        )

    def test_a_device_is_made_with_a_seed_and_a_picture(self, world):
        serial, seed, picture = self.made(world)
        assert serial == f"arn:aws:iam::{world.account}:mfa/phone"
        assert len(seed) == 64
        assert io.BytesIO(picture).read(8) == b"\x89PNG\r\n\x1a\n"
        with refused("EntityAlreadyExists"):
            self.made(world)

    def test_two_consecutive_codes_enable_it(self, world):
        world.user("ann")
        serial, seed, _ = self.made(world)
        client = world.client("iam")
        step = totp.step_at(world.clock.now())
        for codes in (("000000", "111111"), (totp.code_at(seed, step), totp.code_at(seed, step + 3))):
            with refused("InvalidAuthenticationCode"):
                client.enable_mfa_device(
                    UserName="ann",
                    SerialNumber=serial,
                    AuthenticationCode1=codes[0],
                    AuthenticationCode2=codes[1],
                )
        self.enable(world, serial, seed)
        assert [each["SerialNumber"] for each in client.list_mfa_devices(UserName="ann")["MFADevices"]] == [serial]
        with refused("EntityAlreadyExists"):
            self.enable(world, serial, seed, ahead=2)
        with refused("DeleteConflict"):
            client.delete_virtual_mfa_device(SerialNumber=serial)
        with refused("DeleteConflict", "must delete access keys first"):
            client.delete_user(UserName="ann")

    def test_codes_are_not_accepted_twice_even_to_resynchronise(self, world):
        world.user("ann")
        serial, seed, _ = self.made(world)
        self.enable(world, serial, seed)
        step = totp.step_at(world.clock.now())
        with refused("InvalidAuthenticationCode"):
            world.client("iam").resync_mfa_device(
                UserName="ann",
                SerialNumber=serial,
                AuthenticationCode1=totp.code_at(seed, step - 1),
                AuthenticationCode2=totp.code_at(seed, step),
            )

    def test_eight_devices_at_most(self, world):
        world.user("ann")
        for number in range(8):
            serial, seed, _ = self.made(world, f"phone-{number}")
            self.enable(world, serial, seed)
        serial, seed, _ = self.made(world, "one-too-many")
        with refused("LimitExceeded"):
            self.enable(world, serial, seed)

    def test_devices_are_listed_by_assignment_and_taken_away(self, world):
        world.user("ann")
        serial, seed, _ = self.made(world)
        client = world.client("iam")
        assert len(client.list_virtual_mfa_devices(AssignmentStatus="Unassigned")["VirtualMFADevices"]) == 1
        self.enable(world, serial, seed)
        assigned = client.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"]
        assert assigned[0]["User"]["UserName"] == "ann"
        with refused("NoSuchEntity"):
            client.deactivate_mfa_device(UserName="administrator", SerialNumber=serial)
        client.deactivate_mfa_device(UserName="ann", SerialNumber=serial)
        client.delete_virtual_mfa_device(SerialNumber=serial)
        assert client.list_virtual_mfa_devices()["VirtualMFADevices"] == []


class TestAccount:
    def test_the_summary_counts_what_is_there(self, world):
        world.user("ann")
        summary = world.client("iam").get_account_summary()["SummaryMap"]
        assert (summary["Users"], summary["Roles"], summary["AccountMFAEnabled"]) == (2, 0, 0)
        assert (summary["UsersQuota"], summary["AccessKeysPerUserQuota"]) == (5000, 2)

    def test_one_alias_at_a_time(self, world):
        client = world.client("iam")
        client.create_account_alias(AccountAlias="mill")
        client.create_account_alias(AccountAlias="mill-two")
        assert client.list_account_aliases()["AccountAliases"] == ["mill-two"]
        with refused("NoSuchEntity"):
            client.delete_account_alias(AccountAlias="mill")
        client.delete_account_alias(AccountAlias="mill-two")
        assert client.list_account_aliases()["AccountAliases"] == []


class TestSimulation:
    def test_a_custom_policy_is_asked(self, world):
        statement = '{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}'
        text = '{\n  "Version": "2012-10-17",\n  "Statement": [\n    ' + statement + "\n  ]\n}"
        answer = world.client("iam").simulate_custom_policy(
            PolicyInputList=[text], ActionNames=["s3:GetObject", "s3:PutObject"]
        )["EvaluationResults"]
        assert [each["EvalDecision"] for each in answer] == ["allowed", "implicitDeny"]
        matched = answer[0]["MatchedStatements"]
        assert matched[0]["SourcePolicyId"] == "PolicyInputList.1"
        assert matched[0]["StartPosition"] == {"Line": 4, "Column": 5}

    def test_a_principal_is_asked_with_its_groups_and_boundary(self, world):
        client = world.client("iam")
        world.user("ann", deny("s3:DeleteObject"))
        client.create_group(GroupName="team")
        client.add_user_to_group(GroupName="team", UserName="ann")
        client.put_group_policy(GroupName="team", PolicyName="own", PolicyDocument=document(allow("s3:*")))
        bound = client.create_policy(PolicyName="bound", PolicyDocument=document(allow("s3:Get*", "s3:Delete*")))
        client.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound["Policy"]["Arn"])
        answer = client.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{world.account}:user/ann",
            ActionNames=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        )["EvaluationResults"]
        assert [each["EvalDecision"] for each in answer] == ["allowed", "implicitDeny", "explicitDeny"]
        assert answer[0]["MatchedStatements"][0]["SourcePolicyId"] == "group_team_own"
        allowed = [each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for each in answer]
        assert allowed == [True, False, True]

    def test_what_an_organization_would_forbid_and_what_a_policy_less_would_mean(self, world):
        client = world.client("iam")
        world.user("ann", allow("s3:Get*"))
        arn = "arn:aws:iam::aws:policy/AdministratorAccess"
        client.attach_user_policy(UserName="ann", PolicyArn=arn)
        question = {"PolicySourceArn": f"arn:aws:iam::{world.account}:user/ann", "ActionNames": ["s3:PutObject"]}
        decided = {
            "as it is": {},
            "without one": {"PolicyExclusionList": [{"PolicyArn": "arn:aws:iam::aws:policy/Admin*"}]},
            "without a kind": {"PolicyExclusionList": [{"PolicyType": "aws-managed"}]},
            "without another": {
                "PolicyExclusionList": [
                    {
                        "InlinePolicyIdentifier": {
                            "PolicyName": "own",
                            "AttachmentType": "user",
                            "AttachmentName": "ann",
                        }
                    }
                ]
            },
        }
        found = {
            name: client.simulate_principal_policy(**question, **more)["EvaluationResults"][0]["EvalDecision"]
            for name, more in decided.items()
        }
        assert found == {
            "as it is": "allowed",
            "without one": "implicitDeny",
            "without a kind": "implicitDeny",
            "without another": "allowed",
        }

    def test_every_level_of_an_organization_must_allow(self, world):
        levels = [[allow("*")], [allow("s3:Get*")]]
        answer = world.client("iam").simulate_custom_policy(
            PolicyInputList=[document(allow("s3:*"))],
            ActionNames=["s3:GetObject", "s3:PutObject"],
            OrderedOrganizationPolicyInputList=[
                {"ServiceControlPolicyInputList": [document(*statements)]} for statements in levels
            ],
        )["EvaluationResults"]
        assert [each["EvalDecision"] for each in answer] == ["allowed", "implicitDeny"]
        allowed = [each["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for each in answer]
        assert allowed == [True, False]

    def test_condition_keys_are_found_and_used(self, world):
        client = world.client("iam")
        from_inside = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
        text = document(allow("s3:*", on="arn:aws:s3:::home/${aws:username}/*", **from_inside))
        keys = client.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"]
        assert keys == ["aws:username", "aws:SourceIp"]
        question = {
            "PolicyInputList": [text],
            "ActionNames": ["s3:GetObject"],
            "ResourceArns": ["arn:aws:s3:::home/ann/x"],
        }
        without = client.simulate_custom_policy(**question)["EvaluationResults"][0]
        assert (without["EvalDecision"], without["MissingContextValues"]) == ("implicitDeny", keys)
        entries = [
            {"ContextKeyName": "aws:username", "ContextKeyValues": ["ann"], "ContextKeyType": "string"},
            {"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["10.1.2.3"], "ContextKeyType": "ip"},
        ]
        given = client.simulate_custom_policy(**question, ContextEntries=entries)["EvaluationResults"][0]
        assert (given["EvalDecision"], given["MissingContextValues"]) == ("allowed", [])
