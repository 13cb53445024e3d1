"""Words that are no person's, though a home folder or the part before an `@` may be called so.

A gazetteer that took them for names would erase prose and code.
"""

# Roles, machines, placeholders, and what code and chats themselves are made of.
_ROLES = """
user users username usr name me you your someone anyone guest guests public shared share default all admin admins
administrator root sudo staff wheel team test tests tester testing testuser demo example sample dev devs developer
developers develop development devel ops devops prod production staging stage local localhost host build builder
builds runner runneradmin agent agents bot bots ci cd deploy deployer deployment app apps application web www http
https server service services system daemon nobody node docker container containeruser containeradministrator
vagrant ubuntu debian fedora centos alpine linux windows macos darwin mac ec2-user azureuser cloud-user codespace
codespaces gitpod vscode jovyan circleci travis jenkins github gitlab gitea bitbucket git hg svn linuxbrew homebrew
brew pi postgres mysql redis mongo oracle nginx apache tomcat hadoop spark airflow sagemaker colab kaggle content
workspace workspaces work project projects code source src repo repos main master head branch origin upstream home
folder path file files dir data info support help contact hello hi mail email post news sales marketing office jobs
careers press security abuse billing accounts account legal privacy feedback noreply no-reply donotreply webmaster
postmaster hostmaster list lists dependabot renovate copilot claude anthropic openai chatgpt gpt gemini codex cursor
assistant function tool model message messages role type text value values string number object array null none
true false error errors warning result results input output request response client api sdk cli gui json yaml xml
html css python java javascript typescript rust golang ruby swift kotlin scala bash shell powershell npm pip conda
foo bar baz qux xyz abc xxx aaa tmp temp var etc opt bin lib log logs cache config settings setup install update
first last firstname lastname myname yourname user1 user2 user01 student teacher owner member customer person
people company organization org group groups id key keys token tokens secret password pass login signup session
to meta source library downloads documents desktop pictures music movies videos appdata program temp public-user
"""
ROLES = frozenset(_ROLES.split())

# Common English words, those that are also given or family names among them.
_ENGLISH = """
the and for are but not his her our out had has have from they will with what when where which while who why how
this that these those there then than them their been being was were would could should can may might must shall
about above after again against also always among another any around because before began behind below best better
between big black blue both bring brown call came change child children city class clear close cold come complete
country course cut day days did different does done door down draw dry during each early earth east easy eat end
enough even ever every example eye face fact fall family far farm fast father feel feet few field find fine fire
fish five flag fly follow food foot force form found four free friend full gave get girl give gold good got great
green ground grow half hand hard hear heat held here high hill hold hope horse hot hour house hundred idea inch
island just keep kind king knew know land large late laugh lay lead learn leave left less let letter life light
like line listen little live long look lot love low made make man many map mark market mean measure men mile mind
miss money moon more morning most mother mountain move much music near need never new next night nine north note
nothing notice now off often old once one only open order other over own page paper part pass past pattern piece
place plain plan plane plant play point poor port pose possible pound power press print problem product pull put
question quick rain ran reach read ready real red remember rest right river road rock room round rule run said same
saw say school science sea second see seem self sentence set seven several ship short show side simple since sing
sit six size sky sleep slow small snow some song soon sound south space special spell stand star start state stay
step still stone stood stop story street strong study such sun sure surface table take talk teach tell ten thing
think thought thousand three through time together told too took top toward town travel tree true try turn two
under unit until upon use usual very voice vowel wait walk want war warm watch water way week weight well went west
wheel white whole wind wish wonder wood word world write year yes yet young zero able base basic best block board
book box bug bugs burn card care case cash chain chance chase check chief clean clock cloud club coal coast cook
cool core cost count cover craft cross crown crystal dash date dawn dead deal dean deep delta design desk dick drop
drive duke dust edge ember event fable faith fan fill film final fit fix flash fleet flow focus fox frame frank
frost fun fund gale game gap gate gem general gene glen glide grace grant gray grey grid grove guard guide guy hall
hash haven hawk hay hazel heart heath hint holly honor hook hop hub hunt hunter image index inner iris item ivy
jack jade jay jet jewel job joy june july august april major march marsh marshal mason max may melody merit mercy
mild mill min mint mix mock mod mode month moss nest net nick nil noble nova oak ocean odd old olive opal orange
page pace pack paint pale palm park parker patch patience peace pearl penny pepper phase phoenix pilot pin pine
pipe pitch pivot plus pool pop post price pride prime prince proof pure quest quiet quill rain ray reed reef reset
rich ridge ring rise rob robin rod root rose ruby rust rusty sage sail sand sandy scale scope scott score scout
seal search season seed send sense serve shade shadow sharp shell shift shop sierra sign silver site skip sky slate
slice sleep slide slim smart smith smoke soft sole solid sort spark spec speed spike spin split spring sprint spy
stack staff stage star steel stem storm stream strip style sub sum summer sunny swift sync tag tail tall target
task taylor term thread tide tiger timer tip title token tom tool top torch total touch tour track trade trail
train trap trend trial tribe trip troy trunk trust tune tyler union update vale valley vase vector verse victor
view vine violet virgin vision wade walker wall wander wave web wells west whisper wild will willow win wing winter
wise wolf wren yard young zen zone art bill bob don drew ed flora gay gene harry hank jean jordan kit lance lane
lee miles nat norm pat paul-bot pete ralph randy rex roman ron roy sam sid skye stew sue ted tim todd tony van vic
wayne
"""
ENGLISH = frozenset(_ENGLISH.split())


def is_role(word: str) -> bool:
    """Tell whether a word names a role, a machine or a placeholder rather than a person."""
    return word.lower().rstrip("0123456789") in ROLES or word.lower() in ROLES


def is_stopword(word: str) -> bool:
    """Tell whether a word is too common to stand for a person wherever it occurs."""
    return is_role(word) or word.lower() in ENGLISH
